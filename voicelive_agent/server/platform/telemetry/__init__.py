"""Telemetry by OpenTelemetry: spans and metrics of turns, and where they go."""
