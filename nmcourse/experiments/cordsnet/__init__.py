"""CordsNet: training by stages, step size, return to rest, answers that last."""
