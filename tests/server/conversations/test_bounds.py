"""What every store keeps within: bytes of history, of a conversation, of a user's share.

One caller's 50 turns of a megabyte took 1.4 GB, and pushed other users' conversations out.
"""

from typing import Any

import pytest

from tests.server.conversations.backends import Backend, converse, end, make_record
from voicelive_agent.server.conversations import Conversation, ConversationKey, StoreError
from voicelive_agent.server.conversations.memory import MemoryStore
from voicelive_agent.server.conversations.store import Limits

KILOBYTE = 1_000


async def say_long(
    store: Any, name: str, key: ConversationKey, size: int = 10 * KILOBYTE, **fields: Any
) -> None:
    record = make_record(name, key, **fields)
    conversation = await store.begin(record)
    await store.settle(end(record, "ä" * (size // 2)), conversation, heard_before=None)


async def read_ids(store: Any, key: ConversationKey) -> list[str]:
    return [turn["invocation_id"] async for turn in store.export(key)]


async def test_history_is_bounded_in_bytes_and_keeps_the_newest(backend: Backend) -> None:
    store = await backend.open(Limits(history_bytes=25 * KILOBYTE))
    key = ConversationKey("user", "session")
    for number in range(6):
        await say_long(store, str(number), key)
    conversation = await store.begin(make_record("next", key))
    assert [turn.invocation_id for turn in conversation.turns] == ["3", "4", "5"]


async def test_the_newest_turn_is_given_however_long_it_is(backend: Backend) -> None:
    """What was delivered is not forgotten, least of all by the next turn."""
    store = await backend.open(Limits(history_bytes=1))
    key = ConversationKey("user", "session")
    await say_long(store, "older", key)
    await say_long(store, "long", key, 300 * KILOBYTE)
    conversation = await store.begin(make_record("next", key))
    assert [turn.invocation_id for turn in conversation.turns] == ["long"]
    assert len(conversation.turns[0].reply) == 150 * KILOBYTE


async def test_events_do_not_shorten_the_history(backend: Backend) -> None:
    """A card with a picture in it is no part of what a model is given."""
    store = await backend.open(Limits(history_bytes=25 * KILOBYTE))
    key = ConversationKey("user", "session")
    picture = '{"type":"card","image":"' + "x" * 200 * KILOBYTE + '"}'
    for number in range(3):
        await say_long(store, str(number), key, events=[(3, picture)])
    conversation = await store.begin(make_record("next", key))
    assert [turn.invocation_id for turn in conversation.turns] == ["0", "1", "2"]
    assert all(turn.events == [] for turn in conversation.turns)
    found = await store.find("user", "1")
    assert found is not None and found.events == [(3, picture)]


async def test_a_conversation_is_bounded_in_bytes(backend: Backend) -> None:
    store = await backend.open(Limits(conversation_bytes=35 * KILOBYTE))
    key = ConversationKey("user", "session")
    for number in range(8):
        await say_long(store, str(number), key)
    assert await read_ids(store, key) == ["5", "6", "7"]
    assert await store.find("user", "4") is None
    await say_long(store, "longer than all", key, 60 * KILOBYTE)
    assert await read_ids(store, key) == ["longer than all"]


async def test_events_count_for_the_bound_of_a_conversation(backend: Backend) -> None:
    store = await backend.open(Limits(conversation_bytes=35 * KILOBYTE))
    key = ConversationKey("user", "session")
    card = '"' + "x" * 9 * KILOBYTE + '"'
    for number in range(6):
        await say_long(store, str(number), key, 100, events=[(0, card)])
    assert await read_ids(store, key) == ["3", "4", "5"]


async def test_a_user_has_a_share_and_evicts_the_own_conversations_only(backend: Backend) -> None:
    store = await backend.open(Limits(user_bytes=45 * KILOBYTE))
    other = ConversationKey("other", "s")
    await say_long(store, "other", other)
    keys = [ConversationKey("greedy", f"s{number}") for number in range(9)]
    for key in keys:
        await say_long(store, f"turn of {key.session_id}", key)
    kept = {key async for key in store.list_keys()}
    assert kept == {other, *keys[-4:]}
    assert await read_ids(store, other) == ["other"]


async def test_a_user_with_one_conversation_keeps_it(backend: Backend) -> None:
    """The share can't be smaller than what is said now."""
    store = await backend.open(Limits(user_bytes=1))
    key = ConversationKey("user", "session")
    await converse(store, "one", "two", key=key)
    assert await read_ids(store, key) == ["one", "two"]


async def test_without_user_ids_nobody_has_a_share(backend: Backend) -> None:
    """Where the platform names nobody, all callers would have one share between them."""
    store = await backend.open(Limits(user_bytes=1))
    keys = [ConversationKey("", f"s{number}") for number in range(5)]
    for key in keys:
        await converse(store, key.session_id, key=key)
    assert {key async for key in store.list_keys()} == set(keys)


async def test_a_removed_conversation_gives_its_share_back(backend: Backend) -> None:
    store = await backend.open(Limits(user_bytes=45 * KILOBYTE))
    keys = [ConversationKey("user", f"s{number}") for number in range(4)]
    for key in keys:
        await say_long(store, key.session_id, key)
    assert await store.purge(keys[3]) == 1
    await say_long(store, "again", ConversationKey("user", "new"))
    assert {key.session_id async for key in store.list_keys()} == {"s0", "s1", "s2", "new"}


@pytest.mark.parametrize("kind", ["state", "notes"])
async def test_state_and_notes_are_bounded_too(backend: Backend, kind: str) -> None:
    store = await backend.open(Limits(conversation_bytes=5 * KILOBYTE))
    key = ConversationKey("user", "session")
    record = make_record("one", key)
    conversation = await store.begin(record)
    large = {"list": ["x"] * 5 * KILOBYTE}
    if kind == "state":
        conversation.state = large
    else:
        record.notes = large
    with pytest.raises(StoreError, match="VOICELIVE_CONVERSATION_MAX_BYTES"):
        await store.settle(end(record), conversation, heard_before=None)
    after = await store.begin(make_record("two", key))
    assert (after.state, after.turns[0].notes, after.turns[0].reply) == ({}, {}, "An answer.")


async def fill(store: Any, users: dict[str, int]) -> None:
    """Conversations of each user, in turns, of 10 kB each."""
    for number in range(max(users.values())):
        for user, count in users.items():
            if number < count:
                await say_long(store, f"{user} {number}", ConversationKey(user, str(number)))


async def test_of_too_many_conversations_those_of_the_one_with_the_most_go() -> None:
    store = MemoryStore(Limits(max_conversations=6))
    await store.open(lambda *_: None)
    await fill(store, {"quiet": 2, "greedy": 9})
    await store.purge()
    left = [key async for key in store.list_keys()]
    assert [key.session_id for key in left if key.user_id == "quiet"] == ["0", "1"]
    assert [key.session_id for key in left if key.user_id == "greedy"] == ["5", "6", "7", "8"]


async def test_of_too_many_bytes_those_of_the_one_with_the_most_go() -> None:
    store = MemoryStore(Limits(max_bytes=1 << 20))
    await store.open(lambda *_: None)
    await fill(store, {"quiet": 3, "greedy": 150, "": 2})
    left = [key async for key in store.list_keys()]
    assert len(left) < 106
    assert len([key for key in left if key.user_id == "quiet"]) == 3
    assert len([key for key in left if key.user_id == ""]) == 2


async def test_sqlite_evicts_from_the_one_with_the_most(backend: Backend) -> None:
    if backend.kind != "sqlite":
        pytest.skip("how much there is in all is a limit of this store only")
    for limits in (Limits(max_conversations=20), Limits(max_bytes=1 << 20)):
        store = await backend.open(limits)
        await fill(store, {"quiet": 3, "greedy": 150, "": 2})
        await store.purge()
        left = [key async for key in store.list_keys()]
        assert len(left) <= 105
        assert len([key for key in left if key.user_id == "quiet"]) == 3
        assert len([key for key in left if key.user_id == ""]) == 2
        for key in left:
            await store.purge(key)
        await backend.close(store)


async def test_an_id_that_is_known_begins_no_second_turn(backend: Backend) -> None:
    from voicelive_agent.server.conversations import TurnExistsError

    store = await backend.open()
    running = make_record("one", events=[(2, '{"type":"card"}')], untried=True)
    conversation = await store.begin(running)
    with pytest.raises(TurnExistsError) as caught:
        await store.begin(make_record("one"))
    assert caught.value.record.status == "running"
    running.untried = False
    await store.settle(end(running), conversation, heard_before=None)
    with pytest.raises(TurnExistsError) as caught:
        await store.begin(make_record("one"))
    assert caught.value.record == running
    assert (await store.begin(make_record("two"))).turns[0].reply == "An answer."
    # Another session, or another user, may use the same id.
    assert await store.begin(make_record("one", ConversationKey("user", "x"))) == Conversation()
    assert await store.begin(make_record("one", ConversationKey("x", "session"))) == Conversation()


async def test_a_turn_whose_agent_was_not_asked_may_be_asked_again(backend: Backend) -> None:
    store = await backend.open()
    record = make_record("one", untried=True)
    conversation = await store.begin(record)
    ended = end(record, "Sorry.", status="failed", reason="conversation_unavailable")
    await store.settle(ended, conversation, heard_before=None)
    again = make_record("one")
    await store.begin(again)
    assert again.sequence == 2
