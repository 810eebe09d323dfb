"""Conversations in a SQLite file: see ``store``."""
