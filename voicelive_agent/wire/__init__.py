"""The wire: facts that two programs agree on, written once, without I/O.

Imports nothing else of ours. What needs numpy is in modules of its own: a server has none.
"""
