"""Voice Live, the protocol between a client and the service: its events, shapes and defaults."""
