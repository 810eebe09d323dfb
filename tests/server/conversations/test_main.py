import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server.conversations.backends import RedisServer, Stops, converse
from voicelive_agent.server.conversations import ConversationKey, open_store
from voicelive_agent.server.conversations.__main__ import main

ROOT = Path(__file__).parents[3]
KEYS = [ConversationKey(u, s) for u in ("ann", "bob") for s in ("s1", "s2")]


async def fill(url: str) -> None:
    store = open_store(url)
    await store.open(Stops())
    for key in KEYS:
        await converse(store, f"{key.user_id} {key.session_id}", "ü", key=key)
    await store.close()


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    url = f"sqlite://{tmp_path}/store.db"
    asyncio.run(fill(url))
    return url


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(list(arguments)) == 0
    return capsys.readouterr().out.splitlines()


def test_list_prints_ids_only(store_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "list", "--store", store_url) == ["ann\ts1", "ann\ts2", "bob\ts1", "bob\ts2"]
    assert run(capsys, "list", "--user", "bob", "--store", store_url) == ["bob\ts1", "bob\ts2"]


def test_export_prints_json_lines(store_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    turns = [json.loads(line) for line in run(capsys, "export", "--store", store_url)]
    assert len(turns) == 8
    lines = run(capsys, "export", "--store", store_url, "--user", "bob", "--session", "s2")
    turns = [json.loads(line) for line in lines]
    assert [turn["reply"] for turn in turns] == ["Answer to bob s2.", "Answer to ü."]
    assert "ü" in lines[1]


def test_purge_forgets_what_was_chosen(store_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    purge = ("purge", "--store", store_url)
    assert run(capsys, *purge, "--session", "s1") == ["conversations removed: 2"]
    assert run(capsys, *purge, "--user", "ann", "--session", "s2") == ["conversations removed: 1"]
    assert run(capsys, *purge, "--older-than", "1") == ["conversations removed: 0"]
    assert run(capsys, "list", "--store", store_url) == ["bob\ts2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("purge",), "say what to remove"),
        (("purge", "--user", "ann", "--older-than", "3"), "leave --session and --user out"),
        (("purge", "--older-than", "0"), "retention_days must be at least"),
    ],
)
def test_purge_refuses_what_is_unclear(
    store_url: str,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    assert main([*arguments, "--store", store_url]) == 1
    assert message in capsys.readouterr().err
    assert len(run(capsys, "list", "--store", store_url)) == 4


def test_errors_say_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "missing.db"
    assert main(["list", "--store", f"sqlite://{missing}"]) == 1
    assert f"there is no {missing}: name the store" in capsys.readouterr().err
    assert not missing.exists()
    assert main(["list", "--store", "memory:"]) == 1
    assert "name a store that lasts" in capsys.readouterr().err
    missing.write_text("not a database, but long enough to be read as one " * 100)
    assert main(["list", "--store", f"sqlite://{missing}"]) == 1
    assert "error: " in capsys.readouterr().err


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for word in (
        "list",
        "export",
        "purge",
        "--store",
        "VOICELIVE_CONVERSATIONS",
        "examples:",
        "redis://",
    ):
        assert word in text


def test_as_a_program_beside_a_running_server(store_url: str) -> None:
    async def serve_and_export() -> tuple[bytes, bytes]:
        server = open_store(store_url)
        await server.open(Stops())
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "voicelive_agent.server.conversations", "export"),
            cwd=ROOT,
            env={"VOICELIVE_CONVERSATIONS": store_url, "LANG": "C", "PYTHONUTF8": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        output = await process.communicate()
        assert process.returncode == 0, output[1]
        await server.close()
        return output

    output, errors = asyncio.run(serve_and_export())
    assert [json.loads(line)["reply"] for line in output.decode().splitlines()][
        -1
    ] == "Answer to ü."
    assert errors == b""


def test_a_reader_that_has_seen_enough_is_no_error(store_url: str) -> None:
    result = subprocess.run(
        f"'{sys.executable}' -m voicelive_agent conversations export --store '{store_url}'"
        " | head -n 1",
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert len(result.stdout.splitlines()) == 1
    assert result.stderr == ""


@pytest.mark.component
def test_redis_works_as_well(redis_server: RedisServer, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"{redis_server.url}?prefix=command-line"
    asyncio.run(fill(url))
    assert sorted(run(capsys, "list", "--store", url)) == [
        "ann\ts1",
        "ann\ts2",
        "bob\ts1",
        "bob\ts2",
    ]
    assert len(run(capsys, "export", "--store", url, "--user", "ann")) == 4
    assert run(capsys, "purge", "--store", url, "--user", "ann") == ["conversations removed: 2"]
    assert run(capsys, "purge", "--store", url, "--older-than", "3") == ["conversations removed: 0"]
    assert len(run(capsys, "export", "--store", url)) == 4


def test_the_store_of_env_and_toml_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was read from the environment alone: another store than the server's was looked at."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VOICELIVE_CONVERSATIONS", raising=False)
    (tmp_path / "voicelive.toml").write_text('[server]\nconversations = "sqlite:///of/toml.db"\n')
    assert main(["list"]) == 1
    assert "/of/toml.db" in capsys.readouterr().err
    (tmp_path / ".env").write_text("VOICELIVE_CONVERSATIONS=sqlite:///of/env.db\n")
    assert main(["list"]) == 1
    assert "/of/env.db" in capsys.readouterr().err
