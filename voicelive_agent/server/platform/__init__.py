"""What Foundry asks of any container: ids, headers, errors, readiness, drain, telemetry.

On the way in: ``connections`` bounds what is no request yet (``descriptors``: how many there may
be), ``headers`` adds who answers and the ``ids`` that a wire chose, ``errors`` catches, ``access``
lets through. Around them: ``readiness`` and ``drain``; ``logs``, ``uncaught`` and ``loop_watch``,
which see what agents do wrong; ``telemetry``.
"""
