"""``app`` for ``uvicorn app.main:app``: the agent server with the settings of the environment.

It serves app/agent.py, or what VOICELIVE_AGENT names. To serve an object that is made here
instead: ``app = create_or_exit(my_agent)``.
"""

from voicelive_agent.server.app import create_or_exit

app = create_or_exit()
