"""Invocations: a turn as an HTTP request, its answer as server-sent events."""
