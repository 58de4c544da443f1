"""Tasks of an animal in a laboratory: look, wait, answer."""
