"""Commands that build and check the book; run them with `python -m tools.NAME` from the root."""
