"""The compiled loops as operations of torch, and when they are taken.

They give what the loops in Python give, up to rounding, several times as fast. Where Numba is
missing or cannot help, the loops in Python run as ever; ``path_of`` tells which it is.
"""
