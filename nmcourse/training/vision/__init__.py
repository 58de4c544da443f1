"""How a network that sees learns: images in time, stages, the inverse stage."""
