"""What reviewers of the CordsNet paper asked, and no other experiment has answered."""
