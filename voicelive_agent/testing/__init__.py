"""Testing an agent: the agent server and the emulator in a test."""
