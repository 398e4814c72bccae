"""Keys, foreign text and addresses: what may be shown, logged or stored."""
