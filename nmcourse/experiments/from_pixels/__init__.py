"""Cognitive tasks from films: what an eye contributes to a network that decides."""
