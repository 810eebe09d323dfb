"""Loading an agent: how it is named, found, and made to answer turns, whatever it is made of."""

import difflib
import importlib
import inspect
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from voicelive_agent.agent import Output, Turn
from voicelive_agent.command_name import spell_commands
from voicelive_agent.diagnostics import find_definition, wrong_output
from voicelive_agent.frameworks.naming import AgentLoadError, find_named, import_named
from voicelive_agent.frameworks.outlet import Outlet, perform

EXAMPLE = (
    "`VOICELIVE_AGENT=my_agent:reply` for the function `reply` in my_agent.py of this directory"
)
_BUILT_IN = {"model": "voicelive_agent.model_agent.agent:ModelAgent"}


# For what is given in the place of a function, by its type.
_ADVICE = {
    "async_generator": "Give the function itself, without calling it: reply, not reply(…).",
    "coroutine": "Give the function itself, without calling it: reply, not reply(…).",
    "str": "Give the function itself, not its name; a name is what VOICELIVE_AGENT takes.",
}

Reply = Callable[[Turn], AsyncIterator[Output]]
Hook = Callable[[], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class LoadedAgent:
    """An agent, ready to run, whatever it is made of."""

    reply: Reply
    on_start: Hook | None = None
    on_stop: Hook | None = None

    async def start(self) -> None:
        if self.on_start is not None:
            await self.on_start()

    async def stop(self) -> None:
        if self.on_stop is not None:
            await self.on_stop()


class Framework(NamedTuple):
    """Where the agents of a framework are, and what makes them answer turns."""

    title: str
    module: str
    type_name: str
    adapter_module: str
    adapter: str
    extra: str


FRAMEWORKS = (
    Framework(
        "Pydantic AI",
        "pydantic_ai.agent",
        "AbstractAgent",
        "voicelive_agent.frameworks.pydantic_ai",
        "PydanticAIAgent",
        "pydantic-ai",
    ),
    Framework(
        "LangGraph",
        "langgraph.pregel",
        "Pregel",
        "voicelive_agent.frameworks.langgraph",
        "LangGraphAgent",
        "langgraph",
    ),
    Framework(
        "OpenAI Agents SDK",
        "agents.agent",
        "Agent",
        "voicelive_agent.frameworks.openai_agents",
        "OpenAIAgentsAgent",
        "openai-agents",
    ),
    Framework(
        "Microsoft Agent Framework",
        "agent_framework",
        "SupportsAgentRun",
        "voicelive_agent.frameworks.agent_framework",
        "AgentFrameworkAgent",
        "agent-framework",
    ),
)


def load_agent(name: str) -> LoadedAgent:
    """The agent of this name: ``model``, or ``package.module:attribute``.

    Raises AgentLoadError.
    """
    target = _BUILT_IN.get(name, name)
    module_name, colon, attribute = target.partition(":")
    if not colon or not module_name or not attribute:
        close = difflib.get_close_matches(name, _BUILT_IN, n=1)
        meant = f" Did you mean {close[0]!r}?" if close else ""
        raise AgentLoadError(
            f"VOICELIVE_AGENT={name!r} names no agent.{meant} Valid are `model`, or"
            f" `package.module:attribute`, such as {EXAMPLE}."
        )
    label = f"VOICELIVE_AGENT={name!r}"
    if "/" in module_name or module_name.endswith(".py"):
        dotted = module_name.removesuffix(".py").strip("./").replace("/", ".")
        raise AgentLoadError(
            f"{label} names a file: write the module, with dots:"
            f" `VOICELIVE_AGENT={dotted}:{attribute}`."
        )
    try:
        module = import_named(label, module_name, example=EXAMPLE)
    except AgentLoadError as error:
        if name == "model" and isinstance(error.__cause__, ImportError):
            raise AgentLoadError(
                f"VOICELIVE_AGENT=model needs {error.__cause__.name}, which is not installed",
                step=spell_commands("pip install 'voicelive-agent[model]'."),
            ) from error
        raise
    return adapt(find_named(label, module, attribute, example=EXAMPLE), name=label)


def adapt(found: Any, *, name: str = "this object") -> LoadedAgent:
    """Make an agent of a function, an object, a class, or another framework's agent.

    ``name`` is what error messages call it. Raises AgentLoadError.
    """
    if inspect.isclass(found):
        return adapt(_instantiate(name, found), name=name)
    if hasattr(found, "reply"):
        reply = _adapt_function(f"{name}: its `reply`", found.reply)
        start, stop = (_find_hook(name, found, hook) for hook in ("start", "stop"))
        return LoadedAgent(reply, start, stop)
    for framework in FRAMEWORKS:
        if _is_instance(found, framework.module, framework.type_name):
            return _adapt_framework(name, framework, found)
    if _is_instance(found, "langgraph.graph.state", "StateGraph"):
        raise AgentLoadError(f"{name} is a graph that is not compiled: name `graph.compile()`.")
    return LoadedAgent(_adapt_function(name, found))


def _instantiate(name: str, found: type) -> Any:
    if not (hasattr(found, "reply") or "__call__" in dir(found)):
        raise AgentLoadError(
            f"{name} is a class without a `reply` method: add"
            " `async def reply(self, turn): ...`, or name an object of it.",
            place=find_definition(found),
        )
    try:
        return found()
    except AgentLoadError:
        raise
    except Exception as error:
        raise AgentLoadError(
            f"{name} is a class, and {found.__name__}() failed",
            because=error,
            place=find_definition(found),
            step="An agent's class is instantiated without arguments: where it needs some, name an"
            " object of it.",
        ) from error


def _find_hook(name: str, found: Any, hook: str) -> Hook | None:
    method = getattr(found, hook, None)
    if method is None:
        return None
    if not inspect.iscoroutinefunction(method):
        raise AgentLoadError(
            f"{name}: its `{hook}` is not async: make it `async def {hook}`.",
            place=find_definition(method),
        )
    checked: Hook = method
    return checked


def _is_instance(found: Any, module_name: str, type_name: str) -> bool:
    """Whether it is of a framework's type, without importing the framework."""
    framework = sys.modules.get(module_name)
    known = getattr(framework, type_name, None)
    return isinstance(known, type) and isinstance(found, known)


def _adapt_framework(name: str, framework: Framework, found: Any) -> LoadedAgent:
    try:
        adapter = getattr(importlib.import_module(framework.adapter_module), framework.adapter)
    except ImportError as error:
        raise AgentLoadError(
            f"{name} is an agent of {framework.title}, but what answers turns with it could not"
            " be imported",
            because=error,
            step=spell_commands(f"Run `pip install -U 'voicelive-agent[{framework.extra}]'`."),
        ) from error
    try:
        return adapt(adapter(found), name=name)
    except (ValueError, RuntimeError) as error:
        raise AgentLoadError(
            f"{name} can't be used as an agent of {framework.title}", because=error
        ) from error


def _adapt_function(name: str, function: Any) -> Reply:
    if not callable(function):
        raise AgentLoadError(
            f"{name} is of type {type(function).__name__}, which can't answer turns. An agent is an"
            " async generator function, an async function that returns text, an object with a"
            f" `reply` method, or an agent of {', '.join(known.title for known in FRAMEWORKS)}.",
            step=_ADVICE.get(type(function).__name__, ""),
        )
    _check_arguments(name, function)
    # A callable object is judged by what calling it runs.
    code = function if inspect.isroutine(function) or _is_partial(function) else function.__call__
    if inspect.isasyncgenfunction(code):
        return function  # type: ignore[no-any-return]
    if inspect.iscoroutinefunction(code):
        return _speak_result(name, function)
    if inspect.isgeneratorfunction(code):
        raise AgentLoadError(
            f"{name} is a generator that is not async: write `async def`, and `await` what takes"
            " time (`await asyncio.to_thread(...)` for what blocks).",
            place=find_definition(function),
        )
    if inspect.isasyncgenfunction(inspect.unwrap(code)) or _returns(code, "Async"):
        return function  # type: ignore[no-any-return]
    if inspect.iscoroutinefunction(inspect.unwrap(code)) or _returns(code, "Awaitable"):
        return _speak_result(name, function)
    raise AgentLoadError(
        f"{name} is a function that is not async: write `async def`, and either `yield` what is"
        " to be spoken or `return` it as text (`await asyncio.to_thread(...)` for what blocks).",
        place=find_definition(function),
    )


def _is_partial(function: Any) -> bool:
    return hasattr(function, "func") and hasattr(function, "keywords")


def _returns(function: Any, prefix: str) -> bool:
    """Whether a plain function says that it returns what an async one would."""
    annotation = inspect.get_annotations(inspect.unwrap(function)).get("return")
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return text.split("[")[0].rpartition(".")[2].startswith(prefix)


def _check_arguments(name: str, function: Any) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(None)
    except TypeError:
        raise AgentLoadError(
            f"{name} takes {signature}, but an agent is called with one argument, the turn:"
            " `async def reply(turn): ...`.",
            place=find_definition(function),
        ) from None


def _speak_result(name: str, function: Callable[[Turn], Awaitable[Any]]) -> Reply:
    """The reply of an async function that returns text; what it calls can use ``show``."""

    async def run(outlet: Outlet) -> None:
        text = await function(outlet.turn)
        if not isinstance(text, str):
            raise wrong_output("returned", text, find_definition(function))
        outlet.say(text)

    def reply(turn: Turn) -> AsyncIterator[Output]:
        return perform(turn, run)

    # Where it is written can be told by this.
    reply.__wrapped__ = function  # type: ignore[attr-defined]
    return reply
