"""Networks that remember one element of a list."""
