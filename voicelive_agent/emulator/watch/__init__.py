"""What is seen of sessions: marks, journal, client playback, recordings, replay."""
