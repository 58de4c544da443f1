"""Networks that see: what their equation is, and the same made fast."""
