"""Wire protocols: one file each, no I/O. See `base` for the shape they share."""
