"""The command ``voicelive-agent`` as it has to be typed here: messages print it by this."""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

NAME = "voicelive-agent"
_COMMAND = re.compile(rf"(?<![\w./'-]){NAME}(?= [A-Za-z])")


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


def spell_commands(text: str) -> str:
    """A text in which ``voicelive-agent …`` stands as it has to be typed here."""
    return _COMMAND.sub(lambda _: spell_command(), text)


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
