"""The conversation, without devices or terminal: what the events of the service mean."""
