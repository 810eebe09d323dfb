"""Debian roots: who runs in them, what is handed in, and what a machine needs to make them."""

import os
from pathlib import Path

import pytest

from infra import debian
from infra.debian import DebianError, find_obstacle, find_user, hand_in_sources


def test_users_by_name_number_and_group(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\nagent:x:10001:20::/:/bin/sh\n")
    assert find_user(tmp_path, "agent") == find_user(tmp_path, "10001")
    assert (find_user(tmp_path, "10001").gid, find_user(tmp_path, "10001:7").gid) == (20, 7)
    assert (find_user(tmp_path, "5").uid, find_user(tmp_path, "5").gid) == (5, 0)
    with pytest.raises(DebianError, match="no user nobody"):
        find_user(tmp_path, "nobody")


def test_only_where_packages_come_from_is_handed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a constraints file in the machine's pip settings, no image could be built.

    pip in the clean root said "Could not open requirements file: ... constraints.txt".
    """
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_CONSTRAINT", "/etc/constraints.txt")
    monkeypatch.setenv("PIP_USER", "yes")
    monkeypatch.setenv("PIP_CACHE_DIR", "/var/cache/pip")
    monkeypatch.setenv("PIP_FIND_LINKS", "/opt/wheels")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "file:///opt/simple https://example.com/simple")
    with hand_in_sources() as options:
        (mount,) = [option for option in options if option.endswith(":/etc/pip.conf:ro")]
        text = Path(mount.partition(":")[0]).read_text()
    assert text == "[global]\nextra-index-url = https://example.com/simple\n"


def test_says_what_to_do_without_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert "sudo" in (find_obstacle() or "")
    assert "docker build" in (find_obstacle() or "")


def test_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert "apt-get install buildah debootstrap" in (find_obstacle() or "")


def test_debian_comes_from_where_apt_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    listed = (
        "Other https://example.com/apt\nDebian http://example.org/debian-security\n"
        "Debian http://example.org/debian\nDebian http://example.org/debian\n"
    )
    monkeypatch.setattr(debian, "call", lambda command, advice: listed)
    assert debian._find_mirror() == ["http://example.org/debian"]
