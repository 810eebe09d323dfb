"""What `make check` finds in secrets and dependencies."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from infra.dependencies import check_offline, find_binding_licences, read_audit
from infra.locks import read_pins
from tests.infra.files import ROOT, copy_requirements

HASH = "--hash=sha256:" + "0" * 64


def run_secrets(directory: Path, name: str, text: str) -> subprocess.CompletedProcess[str]:
    """.ci/secrets in a repository with one file."""
    (directory / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/secrets", directory / ".ci")
    (directory / name).write_text(text)
    for command in (["git", "init", "-q"], ["git", "add", "-A"]):
        subprocess.run(command, cwd=directory, check=True)
    return subprocess.run(
        [".ci/secrets"], cwd=directory, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "text",
    # In two parts each, so that the check does not find them here.
    [
        "AccountKey=" + "a" * 86 + "==",
        "key: " + "a1B2" * 13 + "JQQJ99" + "B" * 26,
        "api-key: " + "0123456789abcdef" * 2,
        "abc8Q~" + "a" * 34,
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        "eyJ" + "a" * 30 + "." + "b" * 30 + ".c",
        "sk-" + "proj-" + "a1" * 20,
        "ghp_" + "a" * 36,
        "github_pat_" + "a" * 70,
        "AKIA" + "A" * 16,
        "AIza" + "a" * 35,
        "hf_" + "a" * 34,
        "password = '" + "correct1horse2battery3staple" + "'",
    ],
)
def test_a_secret_in_a_tracked_file_is_found(tmp_path: Path, text: str) -> None:
    done = run_secrets(tmp_path, "notes.md", f"one\n{text}\n")
    assert done.returncode == 1
    assert "notes.md:2:" in done.stdout
    assert "revoke what was real" in done.stderr


@pytest.mark.parametrize("name", [".env", "server.pem", "id_rsa", "secret.yaml"])
def test_a_file_that_holds_secrets_is_found(tmp_path: Path, name: str) -> None:
    done = run_secrets(tmp_path, name, "nothing to see\n")
    assert done.returncode == 1
    assert name in done.stdout


def test_examples_are_no_secrets(tmp_path: Path) -> None:
    text = (
        "VOICELIVE_AGENT_API_KEY=replace-me\n"
        "redis://:replace-me-too@redis:6379/0\npassword: ${PASSWORD}\n"
    )
    assert run_secrets(tmp_path, ".env.example", text).returncode == 0


def test_ours_are_as_they_have_to_be() -> None:
    assert check_offline() == []


def test_what_is_installed_is_what_is_pinned(tmp_path: Path) -> None:
    project = copy_requirements(tmp_path)
    path = project / "requirements/dev.txt"
    lines = path.read_text().splitlines(keepends=True)
    (pinned,) = [line for line in lines if line.startswith("pytest==")]
    path.write_text("".join(lines).replace(pinned, "pytest==0.1 \\\n"))
    assert any("pytest 0.1 is pinned" in problem for problem in check_offline(project))


def test_a_licence_that_binds_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "some.txt"
    path.write_text(f"pytest==1 {HASH}\npluggy==1 {HASH}\n")
    told = {"pytest": {"License": "GPLv3"}, "pluggy": {"License-Expression": "MIT"}}

    class Told(dict[str, str]):
        def get_all(self, name: str) -> list[str]:
            return []

    monkeypatch.setattr("infra.dependencies.metadata", lambda name: Told(told[name]))
    assert list(find_binding_licences(read_pins(path, []))) == [
        "pytest is in the image under GPLv3"
    ]


def test_an_audit_that_could_ask_nobody_does_not_say_that_all_is_well() -> None:
    """pip-audit exits with 0 and "No known vulnerabilities found" where it found no package."""
    skipped = {"name": "left-pad", "skip_reason": "Dependency not found on PyPI"}
    clean = {"name": "right-pad", "version": "1", "vulns": []}
    report, problems = read_audit(json.dumps({"dependencies": [skipped]}))
    assert "were not looked up" in report
    assert not problems
    report, problems = read_audit(json.dumps({"dependencies": [skipped, clean]}))
    assert report == "known vulnerabilities were looked up for 1 packages, not for left-pad"
    bad = {"name": "mid", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
    _, problems = read_audit(json.dumps({"dependencies": [clean, bad]}))
    assert problems == ["mid 2: CVE-1, fixed in 3"]
