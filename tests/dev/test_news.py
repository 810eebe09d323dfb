import json

import pytest

from voicelive_agent.dev.news import News, find_place
from voicelive_agent.emulator.watch.feed import Feed


async def read(feed: Feed) -> list[tuple[str, dict[str, object]]]:
    feed.end()
    events = [event async for event in feed.follow() if event is not None]
    return [(event.kind, json.loads(event.data)) for event in events]


async def test_a_failed_reload_is_told_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    news = News()
    news.feed = feed = Feed()
    news.tell("starting", "agent.py changed", ["agent.py"])
    news.log("SyntaxError: '(' was never closed (agent.py, line 12)")
    news.tell("failed", "the agent server did not start")
    news.tell("starting", "agent.py changed", ["agent.py"])
    news.tell("failed", "the agent server did not start")
    told = [data for kind, data in await read(feed) if kind == "agent"]
    assert [data["what"] for data in told] == ["starting", "failed", "starting", "failed"]
    assert told[0]["changed"] == ["agent.py"]
    assert (told[1]["file"], told[1]["line"]) == ("agent.py", 12)
    # The place of the failure before is none of the next.
    assert told[3]["file"] is None
    assert capsys.readouterr().err.startswith("dev: agent.py changed\n")


async def test_lines_of_the_log_are_told_with_level_and_place() -> None:
    news = News()
    news.feed = feed = Feed()
    news.log("2026-11-28 14:30:00,123 ERROR   voicelive_agent.server: turn failed")
    news.log("  KeyError: 'city' (app/agent.py:7, in reply)")
    news.log("")
    first, second = [data for _, data in await read(feed)]
    assert (first["level"], first["message"]) == ("ERROR", "voicelive_agent.server: turn failed")
    assert (second["level"], second["file"], second["line"]) == ("ERROR", "app/agent.py", 7)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('  File "/home/me/app/agent.py", line 31, in reply', ("/home/me/app/agent.py", 31)),
        ("LookupError: no city (tests/x.py:76, in fail). Correct it.", ("tests/x.py", 76)),
        ("bad (my_agent.py, line 3)", ("my_agent.py", 3)),
        ("a.py:1 was imported by b.py:2", ("b.py", 2)),
        ("turn completed in 12 ms", (None, None)),
        ("python is 3.11", (None, None)),
    ],
)
def test_a_place_is_found(text: str, place: tuple[str | None, int | None]) -> None:
    assert find_place(text) == place


async def test_without_a_feed_the_terminal_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    News().tell("ended", "The agent server has ended")
    assert capsys.readouterr().err == "dev: The agent server has ended\n"
