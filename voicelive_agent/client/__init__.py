"""The voice client: talk to an agent through Voice Live, or check one.

Each part knows only those to its right and below::

    command, say, check ─▶ talk ─┬─▶ reconnection ─▶ connection, troubles    the service
    settings, options            ├─▶ core: conversation                      what its events mean
                                 ├─▶ sound: devices ◀─ hardware_, file_devices
                                 └─▶ ui: terminal, json_lines, recording     what is seen and typed

``core`` holds one conversation and never waits: ``hearing`` is the person's side, ``answering``
the agent's, ``calls`` and ``mcp`` what a model calls, ``outbox`` what leaves and when. What it
shows are the events of ``core.screen``; a screen handles those that it cares for. ``sound`` has
the protocols of a microphone and a loudspeaker, so either can be a file. ``check`` puts a
scenario in the person's place.
"""
