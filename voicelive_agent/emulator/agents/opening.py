"""Opens the agent or model that an address names."""

from pathlib import Path
from typing import Any, Literal

from voicelive_agent.emulator.agents import DEFAULT_LIMITS, AgentBackend, AnswerLimits


def open_agent(
    url: str,
    *,
    protocol: Literal["invocations", "responses", "bridge", "auto"] = "invocations",
    name: str = "",
    key: str | None = None,
    limits: AnswerLimits = DEFAULT_LIMITS,
    no_input_ms: int | None = None,
    greeting: str = "",
) -> AgentBackend:
    """An agent; ``name`` is what messages call it, ``key`` what it wants as ``api-key``.

    An agent that is called is told of each silence of ``no_input_ms``, and of the ``greeting`` that
    its calls begin with.

    Raises ValueError for a URL that is none.
    """
    call: dict[str, Any] = {"no_input_ms": no_input_ms, "greeting": greeting}
    if protocol == "auto":
        from voicelive_agent.emulator.agents.auto import AutoBackend

        return AutoBackend(url, name=name, key=key, limits=limits, **call)
    if protocol == "responses":
        from voicelive_agent.emulator.agents.responses import ResponsesBackend

        return ResponsesBackend(url, name=name, key=key, limits=limits)
    if protocol == "bridge":
        from voicelive_agent.emulator.agents.bridge.backend import BridgeBackend

        return BridgeBackend(url, name=name, key=key, limits=limits, **call)
    from voicelive_agent.emulator.agents.invocations import InvocationsBackend

    return InvocationsBackend(url, name=name, key=key, limits=limits)


def open_model(
    url: str | None = None,
    *,
    key: str | None = None,
    model: str | None = None,
    script: Path | None = None,
    limits: AnswerLimits = DEFAULT_LIMITS,
) -> AgentBackend:
    """The model of sessions without an agent: a chat endpoint, or without one a script.

    Raises ValueError for a URL that is none and for a script that can't be used.
    """
    if url is not None:
        from voicelive_agent.emulator.agents.chat import ChatBackend

        return ChatBackend(url, key=key, model=model, limits=limits)
    from voicelive_agent.emulator.agents.script.backend import ScriptBackend
    from voicelive_agent.emulator.agents.script.file import load_script

    name = f"the script {script}" if script else "the offline script"
    return ScriptBackend(load_script(script), name=name)
