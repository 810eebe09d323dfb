"""``voicelive-agent conversations``: look at, export and remove stored conversations."""

import argparse
import asyncio
import io
import json
import os
import sys
from collections.abc import AsyncIterator

from voicelive_agent.command_name import spell_commands
from voicelive_agent.server.conversations.location import locate_sqlite, open_store
from voicelive_agent.server.conversations.store import (
    ConversationKey,
    ConversationStore,
    Limits,
    StoreError,
)
from voicelive_agent.settings_sources import SettingsError, read_setting

_DESCRIPTION = """\
Look at, export and remove the conversations that the agent server keeps.

The store is the agent server's (VOICELIVE_CONVERSATIONS in the environment or .env, or
conversations under [server] in voicelive.toml), or --store:
  sqlite                          a file under $HOME (the default)
  sqlite:///absolute/path         a file
  redis://host:6379/0             Redis; rediss:// with TLS
It may be in use by running servers. What people said is personal data: keep exports as safe as
the store itself.
"""
_FOR_EVER_DAYS = 36_500
_EPILOG = """\
examples:
  voicelive-agent conversations list
  voicelive-agent conversations export --session 6f1c > conversation.jsonl
  voicelive-agent conversations export | jq -r 'select(.status == "failed") | .invocation_id'
  voicelive-agent conversations purge --older-than 7   forget what is older than a week
  voicelive-agent conversations purge --session 6f1c   forget one conversation
"""


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="voicelive-agent conversations",
        description=spell_commands(_DESCRIPTION),
        epilog=spell_commands(_EPILOG),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary, description in (
        (
            "list",
            "print the ids of stored conversations",
            "Print one line for each conversation: user id, a tab, session id. Nothing that was "
            "said is printed.",
        ),
        (
            "export",
            "print turns as JSON lines",
            "Print one JSON object for each turn, conversation by conversation, oldest turn "
            "first. 'reply' is what was sent, 'heard' the part of it that was likely heard "
            "(null: all of it). Times are Unix seconds; 'marks' are pairs of milliseconds since "
            "started_at and characters sent by then.",
        ),
        (
            "purge",
            "remove what is too old, or chosen conversations",
            "Remove the conversations of a session or a user, or all that had no turn for some "
            "days. The server applies its own limits by itself.",
        ),
    ):
        command = commands.add_parser(name, help=summary, description=description)
        command.add_argument("--session", metavar="ID", help="only this session")
        command.add_argument("--user", metavar="ID", help="only this user")
        command.add_argument(
            "--store",
            metavar="URL",
            help="which store (default: the agent server's, else a file under $HOME)",
        )
        if name == "purge":
            command.add_argument(
                "--older-than",
                type=float,
                metavar="DAYS",
                help="all conversations without a turn for so many days",
            )
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = build_parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    try:
        options.store = options.store or _read_store()
        store = _choose_store(options)
        asyncio.run(_run(store, options))
    except (SettingsError, StoreError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except BrokenPipeError:
        # The reader (head, say) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _read_store() -> str:
    return read_setting("server", "conversations", "VOICELIVE_CONVERSATIONS") or "sqlite"


def _choose_store(options: argparse.Namespace) -> ConversationStore:
    scheme = options.store.partition(":")[0]
    if scheme == "memory":
        raise ValueError("memory: is another process's memory: name a store that lasts")
    if scheme == "sqlite" and not (path := locate_sqlite(options.store)).exists():
        raise ValueError(
            f"there is no {path}: name the store with --store or VOICELIVE_CONVERSATIONS"
        )
    days = getattr(options, "older_than", None)
    chosen = options.session is not None or options.user is not None
    if options.command == "purge" and days is None and not chosen:
        raise ValueError("say what to remove: --session ID, --user ID or --older-than DAYS")
    if days is not None and chosen:
        raise ValueError("--older-than goes for all conversations: leave --session and --user out")
    # The server's limits are its own affair: apply none but the one that was asked for.
    return open_store(
        options.store,
        Limits(
            retention_days=_FOR_EVER_DAYS if days is None else days,
            max_turns=sys.maxsize,
            conversation_bytes=sys.maxsize,
            user_bytes=sys.maxsize,
            max_conversations=sys.maxsize,
            max_bytes=sys.maxsize,
        ),
    )


async def _run(store: ConversationStore, options: argparse.Namespace) -> None:
    await store.open(lambda key, invocation_id, reason: None)
    try:
        if options.command == "list":
            async for key in _select(store, options):
                _print(f"{key.user_id}\t{key.session_id}")
        elif options.command == "export":
            async for key in _select(store, options):
                async for turn in store.export(key):
                    _print(json.dumps(turn, ensure_ascii=False))
        elif options.older_than is not None:
            _print(f"conversations removed: {await store.purge()}")
        else:
            chosen = [key async for key in _select(store, options)]
            count = sum([await store.purge(key) for key in chosen])
            _print(f"conversations removed: {count}")
    finally:
        await store.close()


async def _select(
    store: ConversationStore, options: argparse.Namespace
) -> AsyncIterator[ConversationKey]:
    async for key in store.list_keys():
        if options.session in (None, key.session_id) and options.user in (None, key.user_id):
            yield key


def _print(line: str) -> None:
    print(line)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
