"""Slides of each chapter, made from its executed notebook: one file that needs no network."""
