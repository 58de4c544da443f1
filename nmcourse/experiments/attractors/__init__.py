"""Attractors, ambiguity and windows, in networks with images and without."""
