"""Homework of Part II."""
