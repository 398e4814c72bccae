"""When to ask again, and when never."""
