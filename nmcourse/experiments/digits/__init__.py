"""Digits read row by row."""
