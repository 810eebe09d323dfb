"""Presence: which processes use a file, and which have died."""

from pathlib import Path

from voicelive_agent.server.conversations.sqlite.presence import Presence


def test_presence_ends_with_the_process_and_is_tidied_up(tmp_path: Path) -> None:
    database = tmp_path / "db"
    one, other = Presence(database), Presence(database)
    one.declare()
    one.declare()
    other.declare()
    assert other.is_alive(one.owner)
    assert one.is_alive(other.owner)
    assert one.is_alive(one.owner)
    assert not one.is_alive("never seen")
    one.withdraw()
    one.withdraw()
    assert not other.is_alive(one.owner)
    left_behind = tmp_path / "db-process-dead"
    left_behind.touch()
    Presence(database).declare()
    assert not left_behind.exists()
    assert other.is_alive(other.owner)
