"""The only package that sends HTTP requests."""
