"""Convolutions as connectivity: spectra and regimes."""
