"""Low-rank RNNs, neuromodulated RNNs and convolutional RNNs: the code of the course."""

__version__ = "0.1.0"
