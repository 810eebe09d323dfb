"""The emulator's pages in a browser."""
