"""Features built on sessions and jobs that need no notebook."""
