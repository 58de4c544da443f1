"""The equations in words that Numba compiles; imported only where Numba is installed."""
