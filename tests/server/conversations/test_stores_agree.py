"""Whatever happens in whatever order, the stores remember the same."""

import asyncio
import re
import uuid
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.conversations.backends import RedisServer, Stops, end, make_record
from voicelive_agent.server.conversations import Conversation, ConversationKey, ConversationStore
from voicelive_agent.server.conversations.memory import MemoryStore
from voicelive_agent.server.conversations.redis.store import RedisStore
from voicelive_agent.server.conversations.sqlite.store import SqliteStore
from voicelive_agent.server.conversations.store import Limits, TurnExistsError

KEYS = [ConversationKey("u", "s"), ConversationKey("u", "t"), ConversationKey("v", "s")]
IDS = ["one", "two", "three"]
LIMITS = Limits(max_turns=4, history_turns=3)

keys, ids = st.sampled_from(KEYS), st.sampled_from(IDS)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("begin"), keys, ids),
        # Which of the turns that began: often the last, at times one that lost its place.
        st.tuples(st.just("settle"), st.integers(0, 3), st.booleans()),
        st.tuples(st.just("settle unbegun"), keys, ids),
        st.tuples(st.just("forget"), keys, st.none()),
        st.tuples(st.just("amend"), keys, ids),
    ),
    max_size=25,
)


async def play(store: ConversationStore, script: list[tuple[Any, Any, Any]]) -> list[Any]:
    """Everything that the store answers while the script is played, and what it keeps then."""
    answers: list[Any] = []
    begun: list[tuple[Any, Conversation]] = []
    for number, (step, one, two) in enumerate(script):
        if step == "begin":
            # Every other turn is one whose agent is never asked: its id may be used again.
            record = make_record(
                f"{one.session_id} {two}", one, text=f"text {number}", untried=number % 2 == 0
            )
            try:
                conversation = await store.begin(record)
            except TurnExistsError as error:
                answers.append(error.record)
                continue
            answers.append((record.sequence, conversation))
            begun.append((record, conversation))
        elif step == "settle" and begun:
            record, conversation = begun.pop(-1 - one % len(begun))
            conversation.state["step"] = number
            conversation.language = f"l{number}"
            before = conversation.turns[-1] if conversation.turns and two else None
            if before is not None:
                before.heard = f"heard {number}"
            record.events = [(2, '{"type":"card"}')] * (number % 3)
            await store.settle(end(record, f"reply {number}"), conversation, heard_before=before)
        elif step == "settle unbegun":
            record = end(make_record(f"{one.session_id} {two}", one), f"unbegun {number}")
            await store.settle(record, Conversation(state={"u": number}), heard_before=None)
        elif step == "amend":
            amended = await store.find(one.user_id, f"{one.session_id} {two}", one.session_id)
            if amended is not None:
                amended.heard = f"amended {number}"
                await store.amend(amended)
        elif step == "forget":
            answers.append(await store.purge(one))
            # What still runs there would be kept anew: not what is compared here.
            begun = [(record, c) for record, c in begun if record.key != one]
        for key in KEYS:
            found = [await store.find(key.user_id, f"{key.session_id} {name}") for name in IDS]
            answers.extend(found)
    for key in KEYS:
        answers.append([turn async for turn in store.export(key)])
    answers.append(sorted([key async for key in store.list_keys()]))
    return answers


def without_times(answers: list[Any]) -> str:
    """A turn that the store ends for its engine ends by the clock of the store."""
    return re.sub(r"('ended_at': |ended_at=)[0-9.e+]+", r"\1…", repr(answers))


@settings(max_examples=40)
@given(steps)
def test_sqlite_agrees_with_memory(script: list[tuple[Any, Any, Any]]) -> None:
    async def compare() -> None:
        with TemporaryDirectory() as directory:
            store = SqliteStore(Path(directory) / "store.db", LIMITS)
            await store.open(Stops())
            try:
                kept = await play(store, script)
            finally:
                await store.close()
        assert without_times(kept) == without_times(await play(MemoryStore(LIMITS), script))

    asyncio.run(compare())


@pytest.mark.component
def test_redis_agrees_with_memory(redis_server: RedisServer) -> None:
    @settings(max_examples=40)
    @given(steps)
    def agree(script: list[tuple[Any, Any, Any]]) -> None:
        async def compare() -> None:
            store = RedisStore(f"{redis_server.url}?prefix=test-{uuid.uuid4().hex}", LIMITS)
            await store.open(Stops())
            try:
                kept = await play(store, script)
                assert without_times(kept) == without_times(await play(MemoryStore(LIMITS), script))
                for key in KEYS:
                    await store.purge(key)
            finally:
                await store.close()

        asyncio.run(compare())

    agree()
