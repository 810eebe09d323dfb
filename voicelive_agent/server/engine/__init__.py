"""The engine: runs turns, and knows no wire and no HTTP.

``engine`` says which turn of a conversation is active; ``turn`` is one of them, from its request
to its record, and ``ending`` how it ends; ``agent_run`` is the agent's part in it, under a
``watchdog``; ``outbox`` hands its output to a wire and keeps what was delivered; ``heard``
estimates what the caller heard of that; ``pacing`` orders turns that come together. ``events`` is
what a wire and the engine say to each other.
"""
