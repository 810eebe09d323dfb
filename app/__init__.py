"""The agent server: a hosted agent container that Azure Voice Live can talk to."""

__version__ = "0.1.0"
