"""OpenAI Realtime: a Voice Live session told in the names of the GA protocol, and back."""
