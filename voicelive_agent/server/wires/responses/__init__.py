"""Responses: a turn as OpenAI's clients ask for one, stored or not."""
