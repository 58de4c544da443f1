"""What gains do: modulation, control, swapped and pruned gains, gates, gains for a target."""
