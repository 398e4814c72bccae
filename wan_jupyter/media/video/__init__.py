"""Videos: probed, cut into frames, exported."""
