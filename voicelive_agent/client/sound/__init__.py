"""Microphone and loudspeaker: PortAudio devices, files, playback, levels."""
