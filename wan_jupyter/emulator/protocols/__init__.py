"""The routes of the emulator, one file a protocol."""
