"""The image, built from its Dockerfile in a clean Debian, and its server in it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.image import check
from infra.image.build import Image, build
from infra.image.root import RootError, find_obstacle, find_user
from tests.infra.files import ROOT

AGENT = """
async def reply(turn):
    yield "You said: "
    yield turn.text
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """Built once, with an agent of the user's own beside the server."""
    obstacle = find_obstacle()
    if obstacle and os.environ.get("CI") != "true":
        pytest.skip(obstacle)
    assert not obstacle, obstacle
    project = tmp_path_factory.mktemp("project")
    for name in ("Dockerfile", ".dockerignore", "LICENSE"):
        shutil.copy(ROOT / name, project)
    for name in ("app", "requirements"):
        shutil.copytree(ROOT / name, project / name)
    (project / "my_agent.py").write_text(AGENT)
    (project / ".env").write_text("VOICELIVE_AGENT_API_KEY=not-for-images\n")
    directory = ROOT / "build/image-test"
    yield build(project, directory)
    for stage in directory.glob("stage-*"):
        shutil.rmtree(stage, ignore_errors=True)


@pytest.mark.component
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.xdist_group("image")
class TestImage:
    def test_keeps_the_contract_and_exits_with_0(self, image: Image, tmp_path: Path) -> None:
        with check.serve(image, tmp_path / "log") as server:
            check.check_confinement(image, server)
            assert "failed" not in check.check_contract(ROOT, server)

    def test_answers_as_demo_and_as_the_users_agent(self, image: Image, tmp_path: Path) -> None:
        with check.serve(image, tmp_path / "log") as server:
            assert "Seattle" in check.ask(server, "what is the weather in seattle")
            check.stop(server)
        with check.serve(image, tmp_path / "log", VOICELIVE_AGENT="my_agent:reply") as server:
            assert "You said: hello" in check.ask(server, "hello")
            check.stop(server)

    def test_refuses_to_serve_everybody_without_a_key(self, image: Image, tmp_path: Path) -> None:
        with (
            pytest.raises(check.CheckError, match="open to other machines without a key"),
            check.serve(image, tmp_path / "log", VOICELIVE_AGENT_API_KEY=""),
        ):
            pass

    def test_leaves_no_mount_behind(self, image: Image) -> None:
        """debootstrap once left /proc mounted in the base; copying that filled the disk."""
        assert str(image.root.parent) not in Path("/proc/mounts").read_text()
        assert not list((image.root / "proc").iterdir())

    def test_holds_what_it_needs_and_no_more(self, image: Image) -> None:
        source = image.root / "srv/agent"
        assert (source / "voicelive_agent/server/app.py").is_file()
        assert (source / "my_agent.py").is_file()
        assert not [path for path in source.rglob("*") if path.name in (".env", "tests")]
        packages = image.root / "opt/agent/lib"
        assert not list(packages.glob("python*/site-packages/pip"))
        assert not list(image.root.glob("usr/bin/*gcc*"))
        assert not list((image.root / "root").glob(".cache/*"))
        # Compiled at build time: the root is read-only when it runs.
        assert list((source / "app").glob("__pycache__/main.*.pyc"))
        assert image.added_bytes < 200 << 20


def test_users_by_name_number_and_group(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\nagent:x:10001:20::/:/bin/sh\n")
    assert find_user(tmp_path, "agent") == find_user(tmp_path, "10001")
    assert (find_user(tmp_path, "10001").gid, find_user(tmp_path, "10001:7").gid) == (20, 7)
    assert (find_user(tmp_path, "5").uid, find_user(tmp_path, "5").gid) == (5, 0)
    with pytest.raises(RootError, match="no user nobody"):
        find_user(tmp_path, "nobody")


def test_says_what_to_do_without_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert "sudo" in (find_obstacle() or "")
    assert "docker build" in (find_obstacle() or "")


def test_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert "apt-get install debootstrap" in (find_obstacle() or "")
