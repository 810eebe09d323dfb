"""Agents of the Voice Live Bridge 1.0, called as Voice Live calls them: one WebSocket a session."""
