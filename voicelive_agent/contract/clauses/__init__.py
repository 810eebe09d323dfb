"""Clauses of a voice agent's contract, on each protocol."""
