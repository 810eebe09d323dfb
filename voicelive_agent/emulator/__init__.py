"""The emulator: a local service that speaks the Voice Live WebSocket protocol."""
