"""Convolutions as operators, and what a network does after an image."""
