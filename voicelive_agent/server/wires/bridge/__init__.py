"""The Bridge: a call as frames over a WebSocket."""
