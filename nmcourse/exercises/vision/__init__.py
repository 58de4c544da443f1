"""Exercises of Part III."""
