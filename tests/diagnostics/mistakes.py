"""Mistakes that authors make: the files of each, and what a terminal has to name."""

from collections.abc import Mapping
from dataclasses import dataclass, field

GOOD = 'async def reply(turn):\n    yield "Fine."\n'


@dataclass(frozen=True)
class Mistake:
    """``cause``, ``place``, ``step``: regular expressions; no place where no code is wrong."""

    name: str
    cause: str
    place: str
    step: str
    agent: str = GOOD
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    serves: str = "my_agent:reply"


def _in_reply(*lines: str, before: str = "") -> str:
    body = "".join(f"    {line}\n" for line in lines)
    return f"{before}async def reply(turn):\n{body}"


# What happens in a turn. Line 1 is `async def reply`, unless something stands before it.
IN_TURNS = (
    Mistake(
        "returns None",
        "the agent returned None",
        r"my_agent\.py:1, in reply",
        "Give text",
        _in_reply("turn.text"),
    ),
    Mistake(
        "returns int",
        "the agent returned int",
        r"my_agent\.py:1",
        r"str\(",
        _in_reply("return 42"),
    ),
    Mistake(
        "returns dict",
        "the agent returned dict",
        r"my_agent\.py:1",
        "ClientEvent",
        _in_reply('return {"text": "hi"}'),
    ),
    Mistake(
        "yields None",
        "the agent yielded None",
        r"my_agent\.py:3",
        "Give text",
        _in_reply('yield "A word."', "yield None"),
    ),
    Mistake(
        "yields a number",
        "the agent yielded int",
        r"my_agent\.py:2",
        r"str\(",
        _in_reply("yield 42"),
    ),
    Mistake(
        "yields bytes",
        "the agent yielded bytes",
        r"my_agent\.py:2",
        "decode",
        _in_reply('yield b"hi"'),
    ),
    Mistake(
        "yields a class",
        "the agent yielded the class EndCall",
        r"my_agent\.py:3",
        r"EndCall\(…\)",
        _in_reply("yield EndCall", before="from voicelive_agent import EndCall\n"),
    ),
    Mistake(
        "yields a list",
        "the agent yielded list",
        r"my_agent\.py:2",
        "one after the other",
        _in_reply('yield ["a", "b"]'),
    ),
    Mistake(
        "says too much",
        "at most 524288 bytes",
        r"my_agent\.py:2",
        "max-answer-bytes",
        _in_reply('yield "many words " * 100_000'),
    ),
    Mistake(
        "forgets await",
        "a coroutine that nobody has awaited",
        r"my_agent\.py:4",
        "`await` it",
        _in_reply("yield ask()", before='async def ask():\n    return "x"\n'),
    ),
    Mistake(
        "yields a stream",
        "the agent yielded async_generator",
        r"my_agent\.py:4",
        "async for",
        _in_reply("yield ask()", before='async def ask():\n    yield "x"\n'),
    ),
    Mistake(
        "says nothing",
        "said nothing",
        r"my_agent\.py:1, in reply",
        "each path",
        _in_reply("if not turn.text:", '    yield "Hello."'),
    ),
    Mistake(
        "own code",
        "KeyError: 'seattle'",
        r"my_agent\.py:3",
        "Correct that line",
        _in_reply('yield "A word."', 'yield {}["seattle"]'),
    ),
    Mistake(
        "nested module",
        "ZeroDivisionError",
        r"shop[/\\]prices\.py:2, in price",
        "Correct that line",
        _in_reply("yield price(0)", before="from shop.prices import price\n"),
        {"shop/prices.py": "def price(n):\n    return 1 / n\n"},
    ),
    Mistake(
        "wrapped",
        "ValueError: no such city.*KeyError",
        r"my_agent\.py:5",
        "Correct that line",
        _in_reply(
            "try:",
            '    yield {}["x"]',
            "except KeyError as error:",
            '    raise ValueError("no such city") from error',
        ),
    ),
    Mistake(
        "task group",
        "ValueError: bad task",
        r"my_agent\.py:3, in work",
        "Correct that line",
        _in_reply(
            "async with asyncio.TaskGroup() as group:",
            "    group.create_task(work())",
            'yield "Done."',
            before='import asyncio\nasync def work():\n    raise ValueError("bad task")\n',
        ),
    ),
    Mistake(
        "thread",
        "ValueError: bad thread",
        r"my_agent\.py:3, in work",
        "Correct that line",
        _in_reply(
            "yield await asyncio.to_thread(work)",
            before='import asyncio\ndef work():\n    raise ValueError("bad thread")\n',
        ),
    ),
    Mistake(
        "awaits text",
        "TypeError: object str can't be used in 'await'",
        r"my_agent\.py:2",
        "leave the `await` out",
        _in_reply('yield await "x"'),
    ),
    Mistake(
        "iterates a coroutine",
        "TypeError: 'async for' requires",
        r"my_agent\.py:4",
        "It is a coroutine",
        _in_reply(
            "async for text in ask():",
            "    yield text",
            before='async def ask():\n    return "x"\n',
        ),
    ),
    Mistake(
        "ends the process",
        "SystemExit",
        r"my_agent\.py:3",
        "must not end the process",
        _in_reply("import sys", "sys.exit(3)", "yield"),
    ),
    Mistake(
        "asyncio.run",
        "RuntimeError: asyncio.run",
        r"my_agent\.py:4",
        "`await` the coroutine",
        "import asyncio\nasync def ask(): pass\nasync def reply(turn):\n"
        '    asyncio.run(ask())\n    yield "x"\n',
    ),
    Mistake(
        "environment",
        "KeyError: 'SHOP_TOKEN'",
        r"my_agent\.py:3",
        "Set the environment variable SHOP_TOKEN",
        _in_reply('yield os.environ["SHOP_TOKEN"]', before="import os\n"),
    ),
    Mistake(
        "missing file",
        "FileNotFoundError",
        r"my_agent\.py:2",
        "no file 'menu.txt' below",
        _in_reply('yield open("menu.txt").read()'),
    ),
    Mistake(
        "recursion",
        "RecursionError",
        r"my_agent\.py:2, in again",
        "without end",
        _in_reply("yield again()", before="def again():\n    return again()\n"),
    ),
    Mistake(
        "no JSON in an event",
        "a client event holds something that is no JSON",
        r"my_agent\.py:3",
        "Keep only",
        _in_reply(
            'yield ClientEvent("ui.card", when=object())',
            before="from voicelive_agent import ClientEvent\n",
        ),
    ),
    Mistake(
        "an event of the protocol",
        "ValueError: 'done' is an event of the protocol",
        r"my_agent\.py:3",
        "Correct that line",
        _in_reply('yield ClientEvent("done")', before="from voicelive_agent import ClientEvent\n"),
    ),
    Mistake(
        "first words late",
        "the agent said nothing within 0.3 s",
        r"my_agent\.py:3, in wait",
        "VOICELIVE_FIRST_DELTA_TIMEOUT_SECONDS",
        _in_reply(
            "await wait()",
            'yield "x"',
            before="import asyncio\nasync def wait():\n    await asyncio.sleep(60)\n",
        ),
        environment={"VOICELIVE_FIRST_DELTA_TIMEOUT_SECONDS": "0.3"},
    ),
    Mistake(
        "next words late",
        "the agent said nothing more within 0.3 s",
        r"my_agent\.py:4",
        "VOICELIVE_IDLE_TIMEOUT_SECONDS",
        _in_reply('yield "One,"', "await asyncio.sleep(60)", before="import asyncio\n"),
        environment={"VOICELIVE_IDLE_TIMEOUT_SECONDS": "0.3"},
    ),
    Mistake(
        "nothing listens",
        "ConnectError",
        r"my_agent\.py:4",
        r"Nothing listens at http://127\.0\.0\.1:9: start",
        _in_reply(
            "async with httpx.AsyncClient() as client:",
            '    yield (await client.get("http://127.0.0.1:9/x")).text',
            before="import httpx\n",
        ),
    ),
    Mistake(
        "no such host",
        "ConnectError",
        r"my_agent\.py:4",
        "can't be resolved",
        _in_reply(
            "async with httpx.AsyncClient() as client:",
            '    yield (await client.get("http://no-such-host.invalid/x")).text',
            before="import httpx\n",
        ),
    ),
    Mistake(
        "no key",
        "OpenAIError|Missing credentials",
        r"my_agent\.py:3",
        "Set OPENAI_API_KEY",
        _in_reply("yield str(openai.AsyncOpenAI())", before="import openai\n"),
    ),
)

# What keeps the agent from being served.
AT_START = (
    Mistake(
        "sync",
        "a function that is not async",
        r"my_agent\.py:1",
        "write `async def`",
        'def reply(turn):\n    return "x"\n',
    ),
    Mistake(
        "sync generator",
        "a generator that is not async",
        r"my_agent\.py:1",
        "async def",
        'def reply(turn):\n    yield "x"\n',
    ),
    Mistake(
        "no argument",
        r"takes \(\)",
        r"my_agent\.py:1",
        r"async def reply\(turn\)",
        'async def reply():\n    yield "x"\n',
    ),
    Mistake(
        "two arguments",
        r"takes \(turn, history\)",
        r"my_agent\.py:1",
        r"reply\(turn\)",
        'async def reply(turn, history):\n    yield "x"\n',
    ),
    Mistake("misspelt", "no attribute 'repyl'", "", "reply", serves="my_agent:repyl"),
    Mistake("misspelt module", "no module 'my_agnt'", "", "my_agent", serves="my_agnt:reply"),
    Mistake("a path", "names a file", "", r"my_agent:reply", serves="my_agent.py:reply"),
    Mistake("no name", "names no agent", "", "my_agent:reply", serves="reply"),
    Mistake(
        "syntax",
        "SyntaxError",
        r"my_agent\.py:2",
        "Correct this line",
        "async def reply(turn):\n    yield (\n",
    ),
    Mistake(
        "syntax in a module",
        "SyntaxError",
        r"helpers\.py:1",
        "Correct this line",
        f"import helpers\n{GOOD}",
        {"helpers.py": "x = = 1\n"},
    ),
    Mistake(
        "at import",
        "KeyError: 'PRICE'",
        r"helpers\.py:2",
        "PRICE",
        f"import helpers\n{GOOD}",
        {"helpers.py": 'import os\nP = os.environ["PRICE"]\n'},
    ),
    Mistake(
        "missing package",
        "needs the package 'flask_nope'",
        r"helpers\.py:1",
        "pip",
        f"import helpers\n{GOOD}",
        {"helpers.py": "import flask_nope\n"},
    ),
    Mistake(
        "missing without a name",
        "ModuleNotFoundError: it is gone",
        r"helpers\.py:1",
        "Correct",
        f"import helpers\n{GOOD}",
        {"helpers.py": 'raise ModuleNotFoundError("it is gone")\n'},
    ),
    Mistake(
        "no such name in a module",
        "ImportError",
        r"my_agent\.py:1",
        "Correct",
        f"from helpers import tax\n{GOOD}",
        {"helpers.py": "x = 1\n"},
    ),
    Mistake(
        "start raises",
        "RuntimeError: no database",
        r"my_agent\.py:3, in start",
        "Correct that line",
        'class Desk:\n    async def start(self):\n        raise RuntimeError("no database")\n'
        '    async def reply(self, turn):\n        yield "x"\n',
        serves="my_agent:Desk",
    ),
    Mistake(
        "start is not async",
        "its `start` is not async",
        r"my_agent\.py:2",
        "async def start",
        "class Desk:\n    def start(self): pass\n"
        '    async def reply(self, turn):\n        yield "x"\n',
        serves="my_agent:Desk",
    ),
    Mistake(
        "class with arguments",
        "TypeError.*key",
        r"my_agent\.py:1",
        "without arguments",
        "class Desk:\n    def __init__(self, key): pass\n"
        '    async def reply(self, turn):\n        yield "x"\n',
        serves="my_agent:Desk",
    ),
    Mistake("no function", "of type int", "", "async function", "reply = 42\n"),
    Mistake(
        "called",
        "of type async_generator",
        "",
        "without calling it",
        'async def answer(turn):\n    yield "x"\nreply = answer(None)\n',
    ),
    Mistake("no model", "no model is set", "", "set VOICELIVE_AGENT_MODEL", serves="model"),
    Mistake(
        "no provider",
        "names no provider",
        "",
        "openai:gpt",
        serves="model",
        environment={"VOICELIVE_AGENT_MODEL": "gpt-5"},
    ),
    Mistake(
        "no key for the model",
        "OPENAI_API_KEY",
        "",
        "Set OPENAI_API_KEY",
        serves="model",
        environment={"VOICELIVE_AGENT_MODEL": "openai:gpt-5"},
    ),
    Mistake(
        "no instructions",
        "VOICELIVE_AGENT_INSTRUCTIONS_FILE",
        "",
        "nope.txt|file",
        serves="model",
        environment={
            "VOICELIVE_AGENT_MODEL": "m",
            "VOICELIVE_AGENT_MODEL_BASE_URL": "http://127.0.0.1:9",
            "VOICELIVE_AGENT_INSTRUCTIONS_FILE": "nope.txt",
        },
    ),
    Mistake(
        "tools are broken",
        "NameError",
        r"my_tools\.py:1",
        "Correct",
        serves="model",
        files={"my_tools.py": "x = undefined\n"},
        environment={
            "VOICELIVE_AGENT_MODEL": "m",
            "VOICELIVE_AGENT_MODEL_BASE_URL": "http://127.0.0.1:9",
            "VOICELIVE_AGENT_TOOLS": "my_tools:get",
        },
    ),
    Mistake(
        "no such store",
        "VOICELIVE_CONVERSATIONS",
        "",
        "sqlite",
        environment={"VOICELIVE_CONVERSATIONS": "mysql://x"},
    ),
    Mistake(
        "wrong setting",
        "VOICELIVE_HISTORY_TURNS",
        "",
        "greater than or equal to 1",
        environment={"VOICELIVE_HISTORY_TURNS": "0"},
    ),
)
