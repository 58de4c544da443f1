"""One network, several tasks of delayed response."""
