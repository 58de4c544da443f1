"""What measures a claim: one folder for each family of experiments, with its rules."""
