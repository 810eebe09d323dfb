"""The offline model: answers and function calls by a YAML script."""
