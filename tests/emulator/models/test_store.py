"""A model appears whole or not at all, whatever the archive and the disk do."""

import errno
import io
import json
import os
import tarfile
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.emulator.models.source import CONTENT, SHA256, Source, model
from voicelive_agent.emulator.models import ModelError, ModelStore, find_model
from voicelive_agent.emulator.models import store as store_module
from voicelive_agent.emulator.models.catalogue import RemoteFile, Wheel


def archive(names: dict[str, bytes], kind: str = "bz2") -> bytes:
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w") as opened:
            for name, content in names.items():
                opened.writestr(name, content)
        return buffer.getvalue()
    with tarfile.open(fileobj=buffer, mode=f"w:{kind}") as tar:  # type: ignore[call-overload]
        for name, content in names.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


class TestStore:
    def test_a_model_appears_whole_and_is_fetched_once(
        self, source: Source, store: ModelStore
    ) -> None:
        source.files["/b.txt"] = b"b"
        wanted = model(RemoteFile(f"{source.url}/file.bin"), RemoteFile(f"{source.url}/b.txt"))
        assert store.find("test") is None
        path = store.fetch(wanted)
        assert {file.name for file in path.iterdir()} == {"file.bin", "b.txt"}
        assert store.find("test") == path
        requests = len(source.requests)
        assert store.fetch(wanted) == path
        assert len(source.requests) == requests
        recorded = json.loads((store.directory / "checksums.json").read_text())
        assert recorded["test/file.bin"] == SHA256
        assert not (store.directory / ".partial" / "test").exists()

    @pytest.mark.parametrize("content", [None, b"", CONTENT[:-1], CONTENT[:-1] + b"x"])
    def test_what_is_damaged_is_told_and_fetched_anew(
        self,
        source: Source,
        store: ModelStore,
        monkeypatch: pytest.MonkeyPatch,
        content: bytes | None,
    ) -> None:
        """A model of which a file was missing or broken was "here already".

        The emulator ended with onnxruntime's traceback, and heard nothing after that either:
        nothing but removing the model by hand had it fetched again.
        """
        source.files["/b.txt"] = b"b"
        wanted = model(
            RemoteFile(f"{source.url}/file.bin", SHA256), RemoteFile(f"{source.url}/b.txt")
        )
        monkeypatch.setattr(store_module, "find_entry", lambda name: wanted)
        path = store.fetch(wanted)
        assert find_model("test", store.directory) == path
        (path / "file.bin").unlink()
        if content is not None:
            (path / "file.bin").write_bytes(content)
        assert store.find_damage(wanted) == ["file.bin"]
        with pytest.raises(ModelError, match=r"damaged \(file\.bin in .*models fetch test"):
            find_model("test", store.directory)
        assert store.fetch(wanted) == path
        assert (path / "file.bin").read_bytes() == CONTENT
        assert not store.find_damage(wanted)

    @pytest.mark.parametrize("kind", ["bz2", "gz", "zip"])
    @pytest.mark.parametrize("prefix", ["", "model-1.0/"])
    def test_archives_are_unpacked(
        self, source: Source, store: ModelStore, kind: str, prefix: str
    ) -> None:
        names = {f"{prefix}model.onnx": b"m", f"{prefix}data/x/y": b"y"}
        source.files["/m"] = archive(names, kind)
        path = store.fetch(model(RemoteFile(f"{source.url}/m", archive=True)))
        assert (path / "model.onnx").read_bytes() == b"m"
        assert (path / "data" / "x" / "y").read_bytes() == b"y"

    def test_a_tar_is_unpacked_without_the_filter_of_newer_pythons(
        self, source: Source, store: ModelStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Python 3.11.2, which Debian has, ended with a TypeError about ``filter``. What an
        archive says of owners and modes isn't taken over either."""
        monkeypatch.delattr(tarfile.TarFile, "extractall")
        source.files["/m"] = archive({"model.onnx": b"m"}, "gz")
        path = store.fetch(model(RemoteFile(f"{source.url}/m", archive=True)))
        assert (path / "model.onnx").read_bytes() == b"m"
        assert (path / "model.onnx").stat().st_uid == os.getuid()

    @pytest.mark.parametrize("kind", ["bz2", "zip"])
    @pytest.mark.parametrize(
        "name", ["../evil", "a/../../evil", "/tmp/evil", "C:/evil", "..\\evil"]
    )
    def test_an_archive_can_not_write_elsewhere(
        self, source: Source, store: ModelStore, tmp_path: Path, name: str, kind: str
    ) -> None:
        source.files["/m"] = archive({"ok": b"", name: b"evil"}, kind)
        with pytest.raises(ModelError, match="points out of its folder"):
            store.fetch(model(RemoteFile(f"{source.url}/m", archive=True)))
        assert store.find("test") is None
        assert not list(tmp_path.rglob("*evil*"))

    def test_links_and_devices_in_an_archive_are_refused(
        self, source: Source, store: ModelStore
    ) -> None:
        for kind, link in (
            (tarfile.SYMTYPE, "/etc/passwd"),
            (tarfile.SYMTYPE, "model.onnx"),
            (tarfile.LNKTYPE, "model.onnx"),
            (tarfile.CHRTYPE, ""),
        ):
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
                info = tarfile.TarInfo("odd")
                info.type, info.linkname = kind, link
                tar.addfile(info)
            source.files["/m"] = buffer.getvalue()
            source.etag = None
            with pytest.raises(ModelError, match="'odd', which is no file"):
                store.fetch(model(RemoteFile(f"{source.url}/m", archive=True)))
            store.remove("test")
            assert store.find("test") is None

    def test_a_damaged_archive_is_told(self, source: Source, store: ModelStore) -> None:
        source.files["/m"] = archive({"a": CONTENT}, "gz")[:-30]
        with pytest.raises(ModelError, match="test: "):
            store.fetch(model(RemoteFile(f"{source.url}/m", archive=True)))
        assert store.find("test") is None

    def test_an_interrupted_fetch_goes_on(self, source: Source, store: ModelStore) -> None:
        source.files["/b"] = CONTENT[::-1]
        wanted = model(RemoteFile(f"{source.url}/file.bin"), RemoteFile(f"{source.url}/b"))
        calls = 0

        def interrupt(file: RemoteFile | Wheel) -> Any:
            def progress(have: int, total: int | None) -> None:
                nonlocal calls
                calls += 1
                if file.name == "b":
                    raise KeyboardInterrupt

            return progress

        with pytest.raises(KeyboardInterrupt):
            store.fetch(wanted, progress=interrupt)
        assert calls
        assert store.find("test") is None
        source.requests.clear()
        path = store.fetch(wanted)
        assert (path / "b").read_bytes() == CONTENT[::-1]
        assert {requested for requested, _, _ in source.requests} == {"/b"}

    def test_a_file_is_held_to_what_it_was_at_first(
        self, source: Source, store: ModelStore
    ) -> None:
        wanted = model(RemoteFile(f"{source.url}/file.bin"))
        store.fetch(wanted)
        store.remove("test")
        source.files["/file.bin"] = b"other"
        source.etag = '"v2"'
        with pytest.raises(ModelError, match="--trust-new"):
            store.fetch(wanted)
        assert store.find("test") is None
        assert (store.fetch(wanted, trust_new=True) / "file.bin").read_bytes() == b"other"

    def test_a_full_disk_is_told_before_and_in_the_middle(
        self, source: Source, store: ModelStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wanted = model(RemoteFile(f"{source.url}/file.bin"), size_mb=1 << 40)
        with pytest.raises(ModelError, match="VOICELIVE_EMULATOR_MODELS_DIR"):
            store.fetch(wanted)
        assert source.requests == []

        def full(*args: Any, **options: Any) -> Any:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(store_module, "download", full)
        with pytest.raises(ModelError, match=r"disk of .* is full"):
            store.fetch(model(RemoteFile(f"{source.url}/file.bin")))

    def test_what_is_here_already_needs_no_room(
        self, source: Source, store: ModelStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A fetch that went on where it had ended asked for the room of the whole model again."""
        work = store.directory / ".partial" / "test"
        work.mkdir(parents=True)
        (work / "file.bin.part").write_bytes(CONTENT[:900_000])
        room = SimpleNamespace(free=len(CONTENT) - 800_000)
        monkeypatch.setattr("shutil.disk_usage", lambda path: room)
        wanted = model(RemoteFile(f"{source.url}/file.bin"), size_mb=1)
        assert (store.fetch(wanted) / "file.bin").read_bytes() == CONTENT

    def test_a_place_that_can_not_be_written_to(self, source: Source, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(ModelError, match="can't be written to"):
            ModelStore(tmp_path / "file").fetch(model(RemoteFile(f"{source.url}/file.bin")))

    def test_a_fetch_waits_for_another_of_the_same_model(
        self, source: Source, store: ModelStore
    ) -> None:
        """The second of two ``make run`` gave up, and started an emulator that heard nothing."""
        wanted = model(RemoteFile(f"{source.url}/file.bin"))
        waiting, fetched = threading.Event(), []
        second = threading.Thread(
            target=lambda: fetched.append(store.fetch(wanted, on_wait=waiting.set))
        )

        def meanwhile(file: RemoteFile | Wheel) -> Any:
            second.start()
            assert waiting.wait(10)
            return lambda have, total: None

        path = store.fetch(wanted, progress=meanwhile)
        second.join(10)
        assert fetched == [path]
        assert len(source.requests) == 1

    @pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", ".partial", "/etc", "a\\b"])
    def test_names_stay_in_the_folder(self, store: ModelStore, name: str) -> None:
        (store.directory / ".partial").mkdir(parents=True)
        assert store.find(name) is None
        assert store.remove(name) is False
        assert (store.directory / ".partial").exists()


class TestFindModel:
    def test_by_name_by_path_and_by_engine(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="models fetch kokoro"):
            find_model("kokoro", tmp_path)
        with pytest.raises(ModelError, match=r"no model 'nonsense'.*piper has piper-en-ryan"):
            find_model("nonsense", tmp_path, use="tts", engine="piper")
        with pytest.raises(ModelError, match=r"piper needs a model.*fetch piper-en-ryan"):
            find_model("", tmp_path, use="tts", engine="piper")
        (tmp_path / "piper-en-amy").mkdir()
        assert find_model("", tmp_path, use="tts", engine="piper").name == "piper-en-amy"
        assert find_model("piper-en-amy", tmp_path) == tmp_path / "piper-en-amy"
        voice = tmp_path / "my.onnx"
        voice.touch()
        assert find_model(str(voice), tmp_path) == voice

    def test_the_folder_comes_from_the_environment(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VOICELIVE_EMULATOR_MODELS_DIR", str(tmp_path))
        (tmp_path / "kokoro").mkdir()
        assert find_model("kokoro") == tmp_path / "kokoro"
        monkeypatch.delenv("VOICELIVE_EMULATOR_MODELS_DIR")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        assert store_module.find_directory().name == "models"
