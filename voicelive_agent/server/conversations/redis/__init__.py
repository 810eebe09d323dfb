"""Conversations in Redis: see ``store``."""
