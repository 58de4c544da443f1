"""Exercises of Part II."""
