"""What Foundry asks of any container: ids, headers, errors, readiness, drain, telemetry."""
