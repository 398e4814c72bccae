"""Settings, credentials, and which provider a session uses."""
