"""The clips that the emulator makes."""
