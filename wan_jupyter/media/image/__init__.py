"""Pictures: read, described, converted."""
