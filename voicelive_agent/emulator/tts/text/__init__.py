"""Text for speech: clauses, written-out forms, word times, visemes."""
