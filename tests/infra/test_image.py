"""The image, built from its Dockerfile in a clean Debian, and its server in it.

That takes minutes, so it is done at night; ``test_image_contents`` serves what goes into it.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.debian import PYTHON, find_obstacle
from infra.image import check
from infra.image.build import Image, build
from infra.locks import find_cache
from tests.infra.files import ROOT, read_dockerfile

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
    for name in ("app", "examples", "requirements", "tests", "voicelive_agent"):
        shutil.copytree(ROOT / name, project / name)
    (project / "my_agent.py").write_text(AGENT)
    (project / ".env").write_text("VOICELIVE_AGENT_API_KEY=not-for-images\n")
    with build(project) as built:
        yield built


@pytest.mark.component
@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.timeout(900)
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

    def test_serves_from_memory_where_home_is_of_root_full_or_absent(
        self, image: Image, tmp_path: Path
    ) -> None:
        check.check_homes(image, tmp_path / "log")

    def test_is_as_the_dockerfile_reads(self, image: Image) -> None:
        told = read_dockerfile()
        assert (image.user, image.command) == (told.user, told.command)
        assert image.environment["HOME"] == told.home
        assert image.environment["PORT"] == str(told.port)
        assert image.ports == (f"{told.port}/tcp",)

    def test_leaves_no_mount_behind(self, image: Image) -> None:
        """debootstrap once left /proc mounted in the base; copying that filled the disk."""
        assert str(find_cache()) not in Path("/proc/mounts").read_text()
        assert not list((image.root / "proc").iterdir())

    def test_holds_what_it_needs_and_no_more(self, image: Image) -> None:
        source = image.root / "srv/agent"
        assert (source / "my_agent.py").is_file()
        assert {path.name for path in source.iterdir()} - {"__pycache__"} == {
            *("app", "voicelive_agent", "requirements", "LICENSE", "my_agent.py")
        }
        library = {path.name for path in (source / "voicelive_agent").iterdir()}
        assert {"server", "wire", "frameworks", "model_agent", "agent.py"} <= library
        assert not library & {"client", "contract", "emulator", "testing"}
        packages = image.root / "opt/agent/lib"
        assert [path.name for path in packages.iterdir()] == [f"python{PYTHON}"]
        assert not list(packages.glob("python*/site-packages/pip"))
        assert not list(image.root.glob("usr/bin/*gcc*"))
        assert not list((image.root / "root").glob(".cache/*"))
        # Compiled at build time: the root is read-only when it runs.
        assert list((source / "app").glob("__pycache__/main.*.pyc"))
        assert image.added_bytes < 200 << 20
