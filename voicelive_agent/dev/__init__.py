"""Developing an agent: its server and the emulator together, with reload.

::

    emulator ──PORT──▶ door ──▶ agent server (a process)     files change ─▶ the next server starts;
                         └────▶ the next one, once ready     until it is ready, connections wait

The emulator lives through it all, so its sessions stay open. A server that is replaced gets no new
turn and ends those that run.
"""
