"""What the user reads, in every language."""
