"""The console's files: what is vendored is what it says, no text is HTML, all is small."""

import hashlib
import re
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from tests.emulator.service import ROOT

CONSOLE = ROOT / "voicelive_agent" / "emulator" / "console"
OWN = [
    path
    for path in CONSOLE.rglob("*")
    if path.suffix in (".js", ".html", ".css") and path.parent.name != "vendor"
]
MAX_BYTES = 250_000
MAX_RAW_BYTES = 265_500

LIT_SHA256 = "3850b8c27771fc70a5cf0ad21f7fdeb5d8a9bd76597aec658d305829f0e81153"
"""Of Lit 3.3.3 from npm, bundled by esbuild 0.28.2 with ``--bundle --minify --format=esm
--target=es2022 --legal-comments=none --conditions=production`` from the exports that
``vendor/lit.d.ts`` lists."""


def test_lit_is_the_file_that_was_bundled_with_its_licence() -> None:
    content = (CONSOLE / "vendor" / "lit.js").read_bytes()
    assert hashlib.sha256(content).hexdigest() == LIT_SHA256
    licence = (CONSOLE / "vendor" / "lit.LICENSE.txt").read_text(encoding="utf-8")
    assert licence.startswith("BSD 3-Clause License")
    assert "Google LLC" in licence


def test_all_files_are_small_enough_for_the_wheel() -> None:
    assert len(OWN) > 15
    shipped = [path for path in CONSOLE.rglob("*") if path.suffix in (".js", ".html", ".css")]
    contents = [path.read_bytes() for path in shipped]
    # A wheel is a zip file: this is what it grows by.
    assert sum(len(zlib.compress(content)) for content in contents) <= MAX_BYTES / 2
    assert sum(map(len, contents)) <= MAX_RAW_BYTES


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_texts_never_become_html_and_nothing_is_loaded_from_elsewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|unsafeHTML|unsafeSVG|document\.write|\beval\(",
        r"new Function|srcdoc|setHTMLUnsafe|createContextualFragment",
    )
    assert re.findall("|".join(forbidden), text) == []
    assert re.findall(r"https?://[a-z]", text) == []


def test_the_page_needs_no_inline_script_or_style() -> None:
    page = (CONSOLE / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", page) == []
    assert "<noscript>" in page


def test_each_module_that_is_imported_is_there() -> None:
    for path in OWN:
        for name in re.findall(r'from "(\.[^"]+)"|import "(\.[^"]+)"', path.read_text("utf-8")):
            assert (path.parent / (name[0] or name[1])).is_file(), (path.name, name)


@pytest.mark.component
def test_modules_of_the_wire_by_themselves() -> None:
    """Needs Debian's nodejs."""
    tests = sorted(str(path) for path in (Path(__file__).parent / "wire").glob("*.test.js"))
    ran = subprocess.run(
        ["node", "--test", *tests], capture_output=True, text=True, timeout=120, cwd=ROOT
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert int(re.findall(r"^# pass (\d+)", ran.stdout, re.M)[0]) > 30, sys.version
