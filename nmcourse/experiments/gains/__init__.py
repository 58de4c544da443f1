"""What gains do in trained networks: ablation, pruning, prescription, prediction, gates."""
