"""The commands that the person can type while talking."""

import json
from typing import Protocol

from voicelive_agent.client.core.conversation import Conversation
from voicelive_agent.client.core.screen import Failure, Level, Notice, Screen, Told

SILENT_DBFS = -96.0
HELP = """\
Type a text to say it instead of speaking, or
  1, 2, …        choose a button of the last card
  y, n           allow or deny what the model wants to use
  /click JSON    send an object to the agent, as a button would
  /say TEXT      let the agent say TEXT
  /answer        ask for an answer to what was said so far
  /interrupt     silence the agent
  /mute          microphone off, and on again
  /history       what was said so far
  /quit          end the conversation (or Ctrl-C)
With --push-to-talk, Enter alone starts and ends your turn."""


class Talking(Protocol):
    """What typing changes beside the conversation."""

    is_muted: bool

    def press(self) -> None:
        """Push-to-talk."""


class TypedCommands:
    """Runs typed lines."""

    def __init__(self, talk: Talking, conversation: Conversation, screen: Screen) -> None:
        self._talk = talk
        self._conversation = conversation
        self._screen = screen

    def run(self, line: str) -> None:
        """Do what one line says; a line that can't be understood changes nothing."""
        line = line.strip()
        if not line:
            self._talk.press()
        elif line.startswith("/"):
            name, _, rest = line[1:].partition(" ")
            self._run_command(name.lower(), rest.strip())
        elif self._conversation.approval and line.lower() in ("y", "yes", "n", "no"):
            self._conversation.decide(line.lower().startswith("y"))
        elif not (line.isdecimal() and self._conversation.choose(int(line))):
            self._conversation.say(line)

    def _run_command(self, name: str, rest: str) -> None:
        match name:
            case "quit" | "exit" | "q":
                self._conversation.over.set()
            case "help" | "h" | "?":
                for line in HELP.splitlines():
                    self._screen.show(Told(line))
            case "history":
                self._show_history()
            case "say" if rest:
                self._conversation.let_say(rest)
            case "say":
                self._screen.show(Failure("/say TEXT: which text shall the agent say?"))
            case "click":
                self._click(rest)
            case "answer":
                self._conversation.answer()
            case "interrupt" | "stop":
                self._conversation.interrupt()
            case "mute" | "unmute":
                self._talk.is_muted = name == "mute" and not self._talk.is_muted
                muted = self._talk.is_muted
                # A recording follows the level, and must not wait for the next one.
                self._screen.show(Level(SILENT_DBFS, muted=muted))
                self._screen.show(
                    Notice("The microphone is off." if muted else "The microphone is on.")
                )
            case _:
                self._screen.show(Failure(f"/{name} is no command: /help lists them."))

    def _click(self, rest: str) -> None:
        try:
            action = json.loads(rest)
        except ValueError:
            action = None
        if not isinstance(action, dict):
            self._screen.show(Failure('/click takes a JSON object: /click {"type": "ui.click"}'))
            return
        self._conversation.click(action)

    def _show_history(self) -> None:
        lines = [line for line in self._conversation.history.lines if line.text]
        for line in lines:
            self._screen.show(Told(f"{line.who}: {line.text}"))
        if not lines:
            self._screen.show(Told("Nothing was said yet."))
