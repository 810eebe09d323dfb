"""Models are fetched whole or not at all, whatever the server, the network and the disk do."""

import contextlib
import errno
import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from voicelive_agent.emulator.models import ModelError, ModelStore, find_model, main
from voicelive_agent.emulator.models import command as command_module
from voicelive_agent.emulator.models import store as store_module
from voicelive_agent.emulator.models.catalogue import MODELS, Model, RemoteFile
from voicelive_agent.emulator.models.download import ChecksumError, DownloadError, download

CONTENT = bytes(range(256)) * 4096  # 1 MiB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Source:
    """What the server sends, and how it misbehaves."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {"/file.bin": CONTENT}
        self.etag: str | None = '"v1"'
        self.cut_after: list[int] = []
        """Bytes after which each of the next answers breaks off."""
        self.statuses: list[int] = []
        """Statuses of the next answers."""
        self.ignores_ranges = False
        self.wrong_range = False
        self.linked_etag: str | None = None
        self.sends_length = True
        self.requests: list[tuple[str, str | None, str | None]] = []
        self.url = ""


class Handler(BaseHTTPRequestHandler):
    source: Source
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        source = self.source
        wanted, condition = self.headers.get("range"), self.headers.get("if-range")
        source.requests.append((self.path, wanted, condition))
        if source.statuses:
            return self._send(source.statuses.pop(0), b"no")
        if source.linked_etag and not self.path.startswith("/cdn"):
            return self._send(
                302, b"", {"location": f"/cdn{self.path}", "x-linked-etag": source.linked_etag}
            )
        content = source.files.get(self.path.removeprefix("/cdn"))
        if content is None:
            return self._send(404, b"no")
        headers = {"etag": source.etag} if source.etag else {}
        start = 0
        if wanted and condition == source.etag and not source.ignores_ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                return self._send(416, b"")
        if not start:
            return self._send(200, content, headers)
        told = start + 1 if source.wrong_range else start
        headers["content-range"] = f"bytes {told}-{len(content) - 1}/{len(content)}"
        return self._send(206, content[start:], headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if self.source.sends_length or status != 200:
            self.send_header("content-length", str(len(body)))
        else:
            self.send_header("connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.source.cut_after and status in (200, 206):
            body = body[: self.source.cut_after.pop(0)]
            self.close_connection = True
        self.wfile.write(body)
        self.wfile.flush()


@pytest.fixture
def source() -> Iterator[Source]:
    source = Source()
    handler = type("SourceHandler", (Handler,), {"source": source})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    source.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield source
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def fetch(source: Source, target: Path, **options: Any) -> str:
    with httpx.Client(trust_env=False) as client:
        return download(client, f"{source.url}/file.bin", target, retry_delay_s=0.001, **options)


class TestDownload:
    def test_a_file_comes_with_its_progress(self, source: Source, tmp_path: Path) -> None:
        told: list[tuple[int, int | None]] = []
        target = tmp_path / "new" / "file.bin"
        assert fetch(source, target, progress=lambda *now: told.append(now)) == SHA256
        assert target.read_bytes() == CONTENT
        assert told[-1] == (len(CONTENT), len(CONTENT))
        assert [path.name for path in target.parent.iterdir()] == ["file.bin"]

    def test_a_cut_connection_is_resumed_by_itself(self, source: Source, tmp_path: Path) -> None:
        source.cut_after = [300_000, 0, 200_000]
        assert fetch(source, tmp_path / "f") == SHA256
        assert [wanted for _, wanted, _ in source.requests] == [
            None,
            "bytes=300000-",
            "bytes=300000-",
            "bytes=500000-",
        ]
        assert {condition for _, _, condition in source.requests[1:]} == {'"v1"'}
        assert (tmp_path / "f").read_bytes() == CONTENT

    def test_giving_up_keeps_what_came_for_the_next_time(
        self, source: Source, tmp_path: Path
    ) -> None:
        source.cut_after = [1000, 0, 0, 0, 0, 0]
        with pytest.raises(DownloadError, match="goes on where this ended"):
            fetch(source, tmp_path / "f")
        assert not (tmp_path / "f").exists()
        source.cut_after = []
        source.requests.clear()
        assert fetch(source, tmp_path / "f") == SHA256
        assert source.requests[0][1] == "bytes=1000-"

    def test_a_server_that_ignores_ranges_is_read_from_the_start(
        self, source: Source, tmp_path: Path
    ) -> None:
        source.cut_after = [1000]
        source.ignores_ranges = True
        assert fetch(source, tmp_path / "f") == SHA256
        assert (tmp_path / "f").read_bytes() == CONTENT

    def test_a_version_that_changed_in_between_is_not_mixed(
        self, source: Source, tmp_path: Path
    ) -> None:
        """Half of one version and half of another would be a file that nobody published."""
        source.cut_after = [1000] + [0] * 9
        with pytest.raises(DownloadError):
            fetch(source, tmp_path / "f")
        source.cut_after = []
        source.files["/file.bin"], source.etag = CONTENT[::-1], '"v2"'
        fetch(source, tmp_path / "f")
        assert (tmp_path / "f").read_bytes() == CONTENT[::-1]

    @pytest.mark.parametrize("etag", [None, 'W/"weak"'])
    def test_without_a_strong_tag_nothing_is_resumed(
        self, source: Source, tmp_path: Path, etag: str | None
    ) -> None:
        source.etag = etag
        source.cut_after = [1000]
        assert fetch(source, tmp_path / "f") == SHA256
        assert [wanted for _, wanted, _ in source.requests] == [None, None]

    def test_a_wrong_range_is_not_believed(self, source: Source, tmp_path: Path) -> None:
        source.cut_after = [1000]
        source.wrong_range = True
        assert fetch(source, tmp_path / "f") == SHA256
        assert (tmp_path / "f").read_bytes() == CONTENT

    def test_a_file_that_became_shorter_is_begun_anew(self, source: Source, tmp_path: Path) -> None:
        source.cut_after = [1000] + [0] * 9
        with pytest.raises(DownloadError):
            fetch(source, tmp_path / "f")
        source.cut_after = []
        source.files["/file.bin"] = b"short"
        fetch(source, tmp_path / "f")
        assert (tmp_path / "f").read_bytes() == b"short"

    def test_a_length_that_is_not_told_is_no_trouble(self, source: Source, tmp_path: Path) -> None:
        source.sends_length = False
        told: list[tuple[int, int | None]] = []
        assert fetch(source, tmp_path / "f", progress=lambda *now: told.append(now)) == SHA256
        assert told[-1] == (len(CONTENT), None)

    @pytest.mark.parametrize("status", [404, 403, 500, 503])
    def test_a_refusal_says_what_to_do(self, source: Source, tmp_path: Path, status: int) -> None:
        source.statuses = [status]
        with pytest.raises(DownloadError, match=f"HTTP {status}.*VOICELIVE_EMULATOR_MODELS_URL"):
            fetch(source, tmp_path / "f")
        assert list(tmp_path.iterdir()) == []

    def test_a_server_that_is_down(self, tmp_path: Path) -> None:
        with httpx.Client(trust_env=False) as client, pytest.raises(DownloadError, match="network"):
            download(client, "http://127.0.0.1:1/f", tmp_path / "f", retry_delay_s=0)

    def test_wrong_bytes_are_thrown_away(self, source: Source, tmp_path: Path) -> None:
        with pytest.raises(ChecksumError, match="nothing was kept"):
            fetch(source, tmp_path / "f", sha256="0" * 64)
        assert list(tmp_path.iterdir()) == []

    def test_the_checksum_that_hugging_face_sends_is_held_to(
        self, source: Source, tmp_path: Path
    ) -> None:
        source.linked_etag = f'"{SHA256}"'
        assert fetch(source, tmp_path / "f") == SHA256
        source.linked_etag = f'"{"1" * 64}"'
        with pytest.raises(ChecksumError):
            fetch(source, tmp_path / "g")
        source.linked_etag = '"not-a-sha256"'
        assert fetch(source, tmp_path / "h") == SHA256


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


def model(*files: RemoteFile, size_mb: int = 1) -> Model:
    return Model("test", "tts", "sherpa-onnx", "a test", "MIT", size_mb, files)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


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
        for kind, link in ((tarfile.SYMTYPE, "/etc/passwd"), (tarfile.CHRTYPE, "")):
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
                info = tarfile.TarInfo("odd")
                info.type, info.linkname = kind, link
                tar.addfile(info)
            source.files["/m"] = buffer.getvalue()
            source.etag = None
            with pytest.raises(ModelError):
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

        def interrupt(file: RemoteFile) -> Any:
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

    def test_two_fetches_of_one_model_do_not_mix(self, source: Source, store: ModelStore) -> None:
        wanted = model(RemoteFile(f"{source.url}/file.bin"))

        def meanwhile(file: RemoteFile) -> Any:
            def progress(have: int, total: int | None) -> None:
                with pytest.raises(ModelError, match="being fetched already"):
                    store.fetch(wanted)

            return progress

        assert store.fetch(wanted, progress=meanwhile) == store.find("test")

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


class TestCommand:
    @pytest.fixture(autouse=True)
    def _catalogue(self, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("VOICELIVE_EMULATOR_MODELS_DIR", str(tmp_path / "models"))
        wanted = model(RemoteFile("https://publisher.invalid/deep/path/file.bin"))
        source.files["/mirror/test/file.bin"] = CONTENT
        monkeypatch.setenv("VOICELIVE_EMULATOR_MODELS_URL", f"{source.url}/mirror/")
        monkeypatch.setattr(command_module, "MODELS", (wanted,))
        monkeypatch.setattr(
            command_module, "find_entry", lambda name: wanted if name == "test" else None
        )

    def test_from_list_to_remove(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([]) == main(["list"]) == 0
        listed = capsys.readouterr().out
        assert "test" in listed
        assert "MIT" in listed
        assert "installed" not in listed
        assert main(["path", "test"]) == 1
        assert "models fetch test" in capsys.readouterr().err
        assert main(["fetch", "test"]) == 0
        told = capsys.readouterr().out
        assert "100 %" in told
        assert "--tts sherpa-onnx:test" in told
        assert main(["path", "test"]) == 0
        assert Path(capsys.readouterr().out.strip()).is_dir()
        assert main(["fetch", "test"]) == 0
        assert "here already" in capsys.readouterr().out
        main(["list"])
        assert "installed" in capsys.readouterr().out
        assert main(["remove", "test"]) == 0
        assert main(["remove", "test"]) == 1
        assert main(["path"]) == 0
        assert str(tmp_path / "models") in capsys.readouterr().out

    def test_mistakes_are_told(self, source: Source, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["fetch", "unknown"]) == 1
        assert "choose test" in capsys.readouterr().err
        source.statuses = [404]
        assert main(["fetch", "test"]) == 1
        assert "HTTP 404" in capsys.readouterr().err
        with pytest.raises(SystemExit):
            main(["fetch"])

    def test_an_interrupt_is_no_traceback(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def interrupted(*args: Any, **options: Any) -> Any:
            raise KeyboardInterrupt

        monkeypatch.setattr(ModelStore, "fetch", interrupted)
        assert main(["fetch", "test"]) == 130
        assert "fetch again" in capsys.readouterr().err


def test_the_catalogue_is_sound() -> None:
    names = [one.name for one in MODELS]
    assert len(names) == len(set(names))
    for one in MODELS:
        assert one.files
        assert one.licence
        assert one.size_mb > 10
        files = [file.name for file in one.files]
        assert len(files) == len(set(files))
        for file in one.files:
            assert file.url.startswith("https://")
    with contextlib.suppress(ModelError):
        find_model("", Path("/nowhere"))
