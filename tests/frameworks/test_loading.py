"""How an agent is named, and what counts as one."""

import functools
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.frameworks.asking import collect, say, speech
from voicelive_agent.agent import ClientEvent, Turn
from voicelive_agent.diagnostics import WrongOutputError
from voicelive_agent.frameworks import AgentLoadError, adapt, current_turn, load_agent, show
from voicelive_agent.server.settings import Settings


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Writes a module into the working directory, which is where a user's agent is."""
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    path = list(sys.path)

    def write(name: str, source: str) -> None:
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(textwrap.dedent(source), encoding="utf-8")

    yield write
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if name.startswith("my_"):
            del sys.modules[name]


AGENT = """
    async def reply(turn):
        yield f"You said {turn.text}."

    class Desk:
        async def reply(self, turn):
            yield "desk"

    class Room:
        desk = Desk()
"""


# Names


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("my_agent:reply", "You said hi."),
        ("my_agent:Desk", "desk"),
        ("my_agent:Room.desk", "desk"),
        ("my_agent:Room.desk.reply", "desk"),
        ("my_package.inner:reply", "inner"),
    ],
)
async def test_an_agent_of_the_working_directory(write: Any, name: str, said: str) -> None:
    write("my_agent.py", AGENT)
    write("my_package/inner.py", "async def reply(turn):\n    return 'inner'\n")
    assert await say(load_agent(name), speech("hi")) == said


async def test_the_applications_agent_is_the_default() -> None:
    assert await say(load_agent(Settings(_env_file=None).agent), speech("hello"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "names no agent.*`VOICELIVE_AGENT=my_agent:reply`"),
        ("modle", "Did you mean 'model'"),
        ("my_agent", "package.module:attribute"),
        ("my_agent.py:reply", "names a file.*`VOICELIVE_AGENT=my_agent:reply`"),
        ("./my_package/inner.py:reply", "names a file.*`VOICELIVE_AGENT=my_package.inner:reply`"),
        (":reply", "names no agent"),
        ("my_agent:", "names no agent"),
        ("my_agnet:reply", "no module 'my_agnet'.*has my_agent.*valid name"),
        ("my_package.inne:reply", "no module 'my_package.inne'.*my_package has inner"),
        ("my_agent:repyl", "no attribute 'repyl'.*It has reply, .*Desk.*valid name"),
        ("my_agent:Room.dsek", "'Room' has no attribute 'dsek'.*desk"),
        (
            "my_broken:reply",
            r"'my_broken' can't be imported: ValueError: bad luck \(my_broken.py:1\)",
        ),
        (
            "my_syntax:reply",
            r"the module 'my_syntax' can't be imported: SyntaxError.*\(my_syntax.py:1\)",
        ),
        ("my_exit:reply", "the module 'my_exit' can't be imported: SystemExit"),
        (
            "my_needy:reply",
            "needs the package 'nowhere_to_be_found'.*my_needy.py:1.*install",
        ),
        ("..:reply", "can't be imported|no module"),
    ],
)
def test_a_name_that_finds_nothing_says_what_was_tried(write: Any, name: str, message: str) -> None:
    write("my_agent.py", AGENT)
    write("my_package/inner.py", "")
    write("my_broken.py", "raise ValueError('bad luck')")
    write("my_syntax.py", "def (")
    write("my_exit.py", "raise SystemExit(3)")
    write("my_needy.py", "import nowhere_to_be_found")
    with pytest.raises(AgentLoadError, match=f"(?s){message}") as raised:
        load_agent(name)
    if "imported" in message:
        assert raised.value.__cause__ is not None


def test_nothing_heavy_is_imported_before_an_agent_needs_it() -> None:
    script = """
    import sys, voicelive_agent.frameworks.loading
    heavy = {"pydantic_ai", "agent_framework", "langgraph", "langchain_core", "agents", "openai",
             "mcp", "azure", "httpx", "pydantic"}
    print(sorted(heavy & set(sys.modules)))
    from voicelive_agent.frameworks import adapt
    async def reply(turn):
        yield "hi"
    adapt(reply)
    print(sorted(heavy & set(sys.modules)))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]


# What is an agent


async def stream(turn: Turn) -> AsyncIterator[str]:
    yield "streamed "
    yield turn.text


async def answer(turn: Turn) -> str:
    return f"answered {turn.text}"


class Streaming:
    def __init__(self) -> None:
        self.life: list[str] = []

    async def start(self) -> None:
        self.life.append("start")

    async def reply(self, turn: Turn) -> AsyncIterator[str]:
        yield f"streamed {turn.text}"

    async def stop(self) -> None:
        self.life.append("stop")


class Answering:
    async def reply(self, turn: Turn) -> str:
        return f"answered {turn.text}"


class Calling:
    async def __call__(self, turn: Turn) -> AsyncIterator[str]:
        yield f"streamed {turn.text}"


class CallingForAnswer:
    async def __call__(self, turn: Turn) -> str:
        return f"answered {turn.text}"


async def with_option(option: str, turn: Turn) -> AsyncIterator[str]:
    yield f"{option} {turn.text}"


def logged(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(turn: Turn) -> Any:
        return function(turn)

    return wrapper


def chosen_stream(turn: Turn) -> AsyncIterator[str]:
    return stream(turn)


def chosen_answer(turn: Turn) -> "Awaitable[str]":
    return answer(turn)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (stream, "streamed hi"),
        (answer, "answered hi"),
        (Streaming, "streamed hi"),
        (Streaming(), "streamed hi"),
        (Streaming().reply, "streamed hi"),
        (Answering, "answered hi"),
        (Calling(), "streamed hi"),
        (Calling, "streamed hi"),
        (CallingForAnswer(), "answered hi"),
        (functools.partial(with_option, "oh"), "oh hi"),
        (logged(stream), "streamed hi"),
        (logged(answer), "answered hi"),
        (chosen_stream, "streamed hi"),
        (chosen_answer, "answered hi"),
        (adapt(stream), "streamed hi"),
    ],
)
async def test_everything_that_answers_is_an_agent(found: Any, said: str) -> None:
    agent = adapt(found)
    await agent.start()
    assert await say(agent, speech("hi")) == said
    await agent.stop()


async def test_an_object_is_started_and_stopped() -> None:
    found = Streaming()
    agent = adapt(found)
    await agent.start()
    assert found.life == ["start"]
    await agent.stop()
    assert found.life == ["start", "stop"]


async def test_a_class_keeps_its_state_over_turns() -> None:
    class Counter:
        def __init__(self) -> None:
            self.turns = 0

        async def reply(self, turn: Turn) -> str:
            self.turns += 1
            return str(self.turns)

    agent = adapt(Counter)
    assert [await say(agent, speech("")) for _ in range(2)] == ["1", "2"]


async def test_an_async_function_can_show() -> None:
    async def reply(turn: Turn) -> str:
        assert current_turn() is turn
        show(ClientEvent("ui.card"))
        return "done"

    assert await collect(adapt(reply).reply(speech(""))) == [ClientEvent("ui.card"), "done"]


async def test_an_async_function_that_returns_no_text_fails_at_its_turn() -> None:
    async def reply(turn: Turn) -> int:
        return 7

    with pytest.raises(WrongOutputError, match=r"returned int.*in reply"):
        await say(adapt(reply), speech(""))


def test_a_generator_function_is_called_without_a_layer_between() -> None:
    assert adapt(stream).reply is stream


def sync(turn: Turn) -> str:
    return ""


def sync_generator(turn: Turn) -> Iterator[str]:
    yield ""


class SyncReply:
    def reply(self, turn: Turn) -> str:
        return ""


class SyncStart(Streaming):
    def start(self) -> None:  # type: ignore[override]
        pass


class Needy(Streaming):
    def __init__(self, key: str) -> None:
        pass


class Failing(Streaming):
    def __init__(self) -> None:
        raise RuntimeError("no database")


class NoReply:
    pass


async def no_argument() -> str:
    return ""


async def two_arguments(turn: Turn, other: str) -> str:
    return ""


class NoCallable:
    reply = "hello"


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (sync, "function that is not async: write `async def`"),
        (sync_generator, "generator that is not async: write `async def`"),
        (SyncReply, "its `reply` is a function that is not async"),
        (SyncStart, "its `start` is not async: make it `async def start`"),
        (Needy, r"Needy\(\) failed: TypeError.*without arguments"),
        (Failing, r"Failing\(\) failed: RuntimeError: no database"),
        (NoReply, "class without a `reply` method"),
        (NoReply(), "of type NoReply, which can't answer turns"),
        (NoCallable(), "its `reply` is of type str"),
        (no_argument, "one argument, the turn"),
        (two_arguments, "one argument, the turn"),
        (42, "of type int"),
        (None, "of type NoneType"),
        ("reply", "of type str"),
        (sys, "of type module"),
    ],
)
def test_what_can_not_answer_is_refused_with_how_to_mend_it(found: Any, message: str) -> None:
    with pytest.raises(AgentLoadError, match=f"this object.*{message}"):
        adapt(found)


def test_a_framework_whose_adapter_can_not_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    from pydantic_ai import Agent

    monkeypatch.setitem(sys.modules, "voicelive_agent.frameworks.pydantic_ai", None)
    with pytest.raises(AgentLoadError, match=r"voicelive-agent\[pydantic-ai\]"):
        adapt(Agent("test"))


def test_the_model_agent_without_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydantic_ai", None)
    for name in [
        name for name in sys.modules if name.startswith("voicelive_agent.model_agent.agent")
    ]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(AgentLoadError, match=r"pip install 'voicelive-agent\[model\]'"):
        load_agent("model")
