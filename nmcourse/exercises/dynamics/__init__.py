"""Exercises of Part I."""
