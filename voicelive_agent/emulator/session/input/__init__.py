"""The person's side of a session: input audio, turns, transcripts."""
