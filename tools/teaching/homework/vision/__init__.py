"""Homework of Part III."""
