"""Contract kit: what Foundry and Voice Live ask of an agent's server, and a judge of it.

``clauses`` lists what is asked, ``tests`` asks it by each protocol, ``plugin`` is their pytest
plugin and ``command`` the program ``voicelive-agent contract``.
"""
