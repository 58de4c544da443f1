"""Homework of Part I."""
