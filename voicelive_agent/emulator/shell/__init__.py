"""The I/O around a session: connection, audio in and out, the agent's stream, clock, outbox."""
