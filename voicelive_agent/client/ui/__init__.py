"""What the person sees and types: terminal, JSON lines, typed commands."""
