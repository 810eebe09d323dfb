"""The start-up message: what to paste into a client, and what the engines are good for."""

import textwrap
from collections.abc import Sequence

from voicelive_agent.command_name import spell_command
from voicelive_agent.emulator.engines import Engines
from voicelive_agent.emulator.settings import ANY_AGENT, Settings
from voicelive_agent.emulator.vad.smart_turn import advise
from voicelive_agent.settings_sources import emulator_url

_CODE = """\
    async with connect(
        endpoint="{endpoint}",
        credential=AzureKeyCredential("{key}"),
        {target},
    ) as connection:
"""


def render_welcome(
    url: str, settings: Settings, engines: Engines, trust: Sequence[str] = ()
) -> str:
    """What the person who started the emulator reads; ``trust``: how its certificate is trusted."""
    names = [name for name in settings.agents if name != ANY_AGENT]
    agent_name = names[0] if names else "my-agent"
    key = "<the key given with --api-key>" if settings.api_key else "local"
    target = f'agent_name="{agent_name}", project_name="local"'
    lines = [
        f"Voice Live emulator is ready at {url}",
        "",
        f"  Talk    {_describe_client(url, settings, agent_name)}",
        f"  Look    {url}/   (JSON: {url}/sessions)",
        "  Agents",
        *_describe_agents(settings),
        *_describe_turns(settings, engines),
        f"  STT     {engines.stt.name}",
        *_indent(engines.stt.advice),
        f"  TTS     {engines.tts.name}, {engines.tts.sample_rate_hz} Hz",
        *([f"  TLS     {trust[0]}", *(f"          {line}" for line in trust[1:])] if trust else ()),
        "",
        "  The unmodified azure-ai-voicelive SDK connects to it:",
        "",
        "    from azure.ai.voicelive.aio import connect",
        "    from azure.core.credentials import AzureKeyCredential",
        "",
        *_CODE.format(endpoint=url, key=key, target=target).splitlines(),
        "        ...",
        "",
        f"  {_describe_credential(settings)} Any project_name is accepted.",
        f'  Without an agent: model="local" instead, answered by {engines.model.name}.',
    ]
    if settings.record:
        lines.append(f"  Recording every session into {settings.record}: it holds what people say.")
    return "\n".join(lines) + "\n"


def _describe_client(url: str, settings: Settings, agent_name: str) -> str:
    command = spell_command("talk")
    # Without options it finds whoever answers at the default address.
    is_default = url == emulator_url() and list(settings.agents) == [ANY_AGENT]
    if settings.api_key or not is_default:
        command += f" --endpoint {url} --agent-name {agent_name} --project-name local"
    if settings.api_key:
        command += " --api-key KEY"
    return f"{command}   (--text-only without a microphone)"


def _describe_credential(settings: Settings) -> str:
    if settings.api_key:
        return "Only the key given with --api-key is let in, as key or bearer token."
    return "Any key or token is accepted."


def _describe_turns(settings: Settings, engines: Engines) -> Sequence[str]:
    if engines.end_of_turn is not None or settings.end_of_turn == "none":
        return []
    return [f"  Turns   {advise()}"]


def _indent(advice: str | None) -> Sequence[str]:
    return textwrap.wrap(advice or "", 78, initial_indent=" " * 10, subsequent_indent=" " * 10)


def _describe_agents(settings: Settings) -> Sequence[str]:
    others = "any other name" if len(settings.agents) > 1 else "any name"
    return [
        f"    {others if address.name == ANY_AGENT else address.name} → {address.url} "
        f"({address.protocol})"
        for address in settings.addresses()
    ]
