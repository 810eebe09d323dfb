"""The public surface: what an agent's author imports, and what importing it costs."""

import subprocess
import sys

import voicelive_agent

PUBLIC = {
    "Agent",
    "ClientEvent",
    "EndCall",
    "PastTurn",
    "Turn",
    "VoiceChange",
    "adapt",
    "announce",
    "create_app",
    "current_turn",
    "end_call",
    "show",
}


def test_exported_members() -> None:
    assert set(voicelive_agent.__all__) == PUBLIC | {"__version__"}
    assert set(dir(voicelive_agent)) == PUBLIC | {"__version__"}
    assert all(getattr(voicelive_agent, name) for name in PUBLIC)
    assert not hasattr(voicelive_agent, "create_server")


def run(code: str) -> str:
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return ended.stdout.strip()


def test_importing_it_imports_no_framework() -> None:
    heavy = "('fastapi', 'starlette', 'uvicorn', 'httpx', 'pydantic', 'opentelemetry')"
    code = f"import sys, voicelive_agent; print([name for name in {heavy} if name in sys.modules])"
    assert run(code) == "[]"


def test_importing_it_reads_no_environment_and_starts_nothing() -> None:
    """Importing the server's module read the environment and loaded the agent that it named."""
    code = """
import os, sys, threading
read = []
class Watched(type(os.environ)):
    def __getitem__(self, key):
        read.append(key)
        return super().__getitem__(key)
os.environ.__class__ = Watched
import voicelive_agent
from voicelive_agent import create_app
print([key for key in read if key.startswith(("VOICELIVE", "PORT", "FOUNDRY", "OTEL_E", "APPL"))])
print(threading.active_count(), "app.agent" in sys.modules)
"""
    assert run(code) == "[]\n1 False"
