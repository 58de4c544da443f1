"""A CordsNet under gains: its clock, rules that a cue switches, and a modulator retrained alone."""
