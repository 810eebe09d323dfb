"""Fork server: programs of Python as processes of their own, which begin with the imports done.

``python -m tests.diagnostics.fork_server`` reads JSON lines: ``arguments`` (those of ``python
-m``), ``cwd``, ``environment``, and ``log``, where its output goes. For each it writes the id of
the process, and the exit code once that has ended.
"""

import importlib
import json
import os
import runpy
import sys
from pathlib import Path
from typing import Any

# What every server needs, and what most agents here do.
PRELOADED = (
    "agent_framework.openai",
    "agents",
    "langchain_openai",
    "langgraph.graph",
    "httpx",
    "openai",
    "openai.resources.chat",
    "uvicorn.main",
    "uvicorn.lifespan.on",
    "voicelive_agent.cli",
    "voicelive_agent.server.serve",
    "voicelive_agent.server.app",
    "voicelive_agent.server.platform.connections",
    "voicelive_agent.server.conversations.sqlite.store",
    "voicelive_agent.model_agent.agent",
)


def serve() -> None:
    for name in PRELOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _run(json.loads(line))
        _write(pid)
        _, status = os.waitpid(pid, 0)
        _write(os.waitstatus_to_exitcode(status))


def _write(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _run(program: dict[str, Any]) -> None:
    """As ``python -m`` does, in a process whose files, directory and environment are its own."""
    code: object = 0
    _enter(program)
    module, *arguments = program["arguments"]
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as error:
        code = error.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def _enter(program: dict[str, Any]) -> None:
    with Path(os.devnull).open() as nothing, Path(program["log"]).open("ab") as log:
        os.dup2(nothing.fileno(), 0)
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.environ.clear()
    os.environ.update(program["environment"])
    os.chdir(program["cwd"])
    sys.path[0] = program["cwd"]
    importlib.invalidate_caches()


if __name__ == "__main__":
    serve()
