"""The voice client: talk to an agent through Voice Live or the emulator."""
