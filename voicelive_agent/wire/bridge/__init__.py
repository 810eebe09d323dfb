"""The Voice Live Bridge 1.0: frames and messages of the WebSocket by which it calls an agent."""
