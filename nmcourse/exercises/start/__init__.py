"""Exercises of the part *Start*."""
