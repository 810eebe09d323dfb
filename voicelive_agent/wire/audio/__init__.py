"""Audio on the wire: formats, G.711, WAV, and the streams that convert between them."""
