"""Judges an agent by its wire: this project's own in process, or any other by its address."""
