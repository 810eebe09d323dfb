"""Spoken end-to-end checks: a scripted conversation with an agent, judged step by step."""
