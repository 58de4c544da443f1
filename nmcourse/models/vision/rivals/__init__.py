"""Rivals of CordsNet: networks that see, one equation a file, all with the same protocol."""
