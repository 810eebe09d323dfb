"""The voice client: talk to an agent through Voice Live, or check one.

Read it in this order; each part knows only those that stand to its right::

    __main__, options ─▶ talk ─┬─▶ reconnection ─▶ connection          the service
    settings, profile          ├─▶ conversation ─▶ hearing, answering  what events mean
                               │                   calls, mcp          what a model calls
                               ├─▶ devices: hardware or files          sound in and out
                               └─▶ screen: terminal or json_lines      what the person sees

``conversation`` is the event loop's core and never waits; ``devices`` and ``screen`` are
protocols, so a microphone can be a file and a terminal a script. ``checks`` puts a scenario in
the person's place.
"""
