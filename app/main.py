"""``app`` for ``uvicorn app.main:app``: the server with the settings of the environment."""

from voicelive_agent.server.app import create_or_exit

app = create_or_exit()
