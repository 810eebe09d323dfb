"""Wires: the protocols by which turns arrive and answers leave.

Each has a module with its routes and its ids; what else it has begins with its name. Shapes and
names that callers share stand in ``voicelive_agent.wire``.
"""
