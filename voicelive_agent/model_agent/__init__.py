"""The model agent: an LLM with tools as an agent, by configuration alone."""
