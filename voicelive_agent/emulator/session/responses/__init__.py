"""The agent's side of a session: responses, their output items, function calls."""
