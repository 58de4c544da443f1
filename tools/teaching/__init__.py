"""Assignments for a class: make them, mark them in a sandbox, and write marks and feedback."""
