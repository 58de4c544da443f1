"""What is claimed: by each paper, and by its reviewers."""
