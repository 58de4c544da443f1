"""Homework of the part *Start*."""
