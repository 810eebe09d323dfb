"""``app`` for ``uvicorn app.main:app``: the agent server with the settings of the environment.

It serves app/agent.py, or what VOICELIVE_AGENT names. To serve an object that is made here
instead: ``app = create_or_exit(my_agent)``.

On uvloop uvicorn takes one new caller at a time. ``voicelive-agent serve`` takes all who wait, as
does ``uvicorn --loop voicelive_agent.event_loop:new_event_loop``.
"""

from voicelive_agent.server.app import create_or_exit

app = create_or_exit()
