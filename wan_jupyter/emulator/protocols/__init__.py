"""The emulator's routes, one file per protocol."""
