"""Networks that see, over time and in noise: CordsNet beside its rivals."""
