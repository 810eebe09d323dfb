"""``voicelive-agent`` and ``pip`` as they have to be typed here: messages print them by this."""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

NAME = "voicelive-agent"
_COMMAND = re.compile(rf"(?<![\w./'-]){NAME}(?= [A-Za-z])")
_PIP = re.compile(r"(?<![\w./-])(?:python -m pip|(?<!-m )pip)(?= install\b)")


def spell_command(arguments: str = "") -> str:
    """``voicelive-agent talk`` as it works in this directory, without activating anything.

    The name alone where the shell finds it and finds this installation's; its path where it is
    installed but not found; the interpreter's ``-m`` where it isn't installed at all.
    """
    script = Path(sys.prefix) / ("Scripts" if os.name == "nt" else "bin") / NAME
    found = shutil.which(NAME)
    if found and (not script.exists() or os.path.samefile(found, script)):
        program = NAME
    elif script.exists():
        program = shlex.quote(_shorten(script))
    else:
        program = f"{shlex.quote(_spell_python())} -m voicelive_agent"
    return f"{program} {arguments}".rstrip()


def spell_pip() -> str:
    """``pip`` of the interpreter that runs, activated or not."""
    found = shutil.which("pip")
    if found and Path(found).parent == Path(sys.executable).parent:
        return "pip"
    return f"{shlex.quote(_spell_python())} -m pip"


def spell_commands(text: str) -> str:
    """A text in which ``voicelive-agent …`` and ``pip install …`` stand as they are typed here."""
    return _PIP.sub(lambda _: spell_pip(), _COMMAND.sub(lambda _: spell_command(), text))


def _spell_python() -> str:
    name = Path(sys.executable).name
    found = shutil.which(name)
    if found and os.path.samefile(found, sys.executable):
        return name
    return _shorten(Path(sys.executable))


def _shorten(path: Path) -> str:
    """Relative to the working directory where the path is below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
