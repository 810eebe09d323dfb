"""The agent server: a hosted agent container that Azure Voice Live can talk to."""
