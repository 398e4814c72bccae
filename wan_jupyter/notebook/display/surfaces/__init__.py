"""The surfaces that a job is drawn on: widget, terminal line, static output."""
