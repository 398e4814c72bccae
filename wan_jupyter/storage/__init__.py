"""Everything written to disk: journal, videos, sidecars, locks."""
