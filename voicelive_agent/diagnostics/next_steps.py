"""Next steps: what an author can do about a failure, by its kind.

A kind is known by standard types, by ``errno``, and by what clients of HTTP have in common; no
library is imported for it.
"""

import errno
import os
import re
import socket
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import SplitResult

from voicelive_agent.command_name import spell_pip
from voicelive_agent.diagnostics.explained import ExplainedError
from voicelive_agent.diagnostics.http import find_http
from voicelive_agent.diagnostics.places import find_places

Chain = Sequence[BaseException]

_KEY_VARIABLE = re.compile(r"\b[A-Z][A-Z0-9_]*_(?:KEY|TOKEN|SECRET)\b")
_FILTERED = ("content_filter", "content management policy", "responsibleai")
_TIMEOUTS = ("TimeoutError", "Timeout", "APITimeoutError")
_UNREACHED = ("ConnectError", "APIConnectionError", "ConnectionError", "ModelConnectionError")
_BROKEN_OFF = (
    "RemoteProtocolError", "ReadError", "IncompleteRead", "ChunkedEncodingError",
    "ClientPayloadError", "IncompleteReadError", "ConnectionResetError",
)  # fmt: skip
_OPENAI_PATHS = ("/chat/completions", "/responses", "/embeddings")


def find_next_step(chain: Chain) -> str:
    """A sentence for what was raised; empty where nothing is known."""
    return next((step for find in _FINDERS if (step := find(chain))), "")


def _own(chain: Chain) -> str:
    return next((one.step for one in chain if isinstance(one, ExplainedError) and one.step), "")


def _of_http_status(chain: Chain) -> str:
    status, url, told = 0, None, ""
    for one in chain:
        found, at = find_http(one)
        status, url = status or found, url or at
        told += str(getattr(one, "body", None) or _read(one))
    if status < 400:
        return ""
    place = f" {url.geturl()}" if url else ""
    match status:
        case 401:
            return f"The key was refused by{place or ' the service'}: set the right one."
        case 403:
            return "The key or identity may not do this: give it the role, or use another."
        case 404:
            return _of_not_found(url, told)
        case 429:
            return (
                "The service limits the rate, or the quota is used up: wait, or raise the quota"
                " of this key or deployment."
            )
        case 400 if any(word in told.lower() for word in _FILTERED):
            return "The service's content filter refused the prompt: say it in other words."
        case 400 | 422:
            return "The service doesn't take this request: see what it says."
    if status >= 500:
        return f"The service itself fails with HTTP {status}: read its own log, or wait."
    return ""


def _of_not_found(url: SplitResult | None, told: str) -> str:
    if "model" in told.lower() or "deployment" in told.lower():
        return "There is no such model there: correct its name, or pull or deploy it first."
    at = url.geturl() if url else "this URL"
    ending = next((path for path in _OPENAI_PATHS if url and url.path.endswith(path)), "")
    if ending and not at.endswith(f"/v1{ending}"):
        return f"Nothing is at {at}: the base URL probably lacks /v1: {at.removesuffix(ending)}/v1."
    return f"Nothing is at {at}: correct the URL."


def _of_connection(chain: Chain) -> str:
    url = next((url for one in chain if (url := find_http(one)[1])), None)
    where = f"{url.scheme}://{url.netloc}" if url else "that address"
    for one in chain:
        if isinstance(one, socket.gaierror):
            return f"The name of {where} can't be resolved: correct the host, or check DNS."
        if isinstance(one, ssl.SSLError):
            return (
                f"TLS with {where} fails: use http:// where it speaks no TLS, or trust its"
                " certificate (SSL_CERT_FILE)."
            )
    if any(getattr(one, "errno", 0) == errno.ECONNREFUSED for one in chain):
        return f"Nothing listens at {where}: start that service, or correct the URL."
    names = [name for one in chain for name in _names(one)]
    if any(isinstance(one, TimeoutError) for one in chain) or any(n in names for n in _TIMEOUTS):
        return "It took too long: check that the service answers, or allow it more time."
    if any(name in names for name in _BROKEN_OFF):
        return f"{where} broke the connection off in mid-answer: read its own log, or ask again."
    if any(name in names for name in _UNREACHED):
        return f"Check that {where} is the right address, runs, and can be reached from here."
    return ""


def _of_import(chain: Chain) -> str:
    for one in chain:
        if isinstance(one, ModuleNotFoundError) and one.name:
            return (
                f"Install what holds the module {one.name.split('.')[0]!r}"
                f" ({spell_pip()} install …), or correct its name."
            )
        if isinstance(one, ImportError) and "circular import" in str(one):
            return "Two modules import each other: import one of them inside the function."
        if isinstance(one, SyntaxError):
            return "Correct this line, or the one before it."
    return ""


def _of_environment(chain: Chain) -> str:
    """``os.environ["NAME"]`` of a variable that is not set, and a client that has no key."""
    for one in chain:
        traceback = one.__traceback__
        while traceback is not None and traceback.tb_next is not None:
            traceback = traceback.tb_next
        within = traceback.tb_frame.f_code.co_filename if traceback else ""
        if isinstance(one, KeyError) and within in (os.__file__, "<frozen os>") and one.args:
            return f"Set the environment variable {one.args[0]}."
    named = next((found for one in chain if (found := _KEY_VARIABLE.search(_read(one)))), None)
    return f"Set {named[0]} in the environment, where the key is read from." if named else ""


def _of_files(chain: Chain) -> str:
    for one in chain:
        if not isinstance(one, OSError):
            continue
        name = one.filename
        if one.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return "The disk or its quota is full: free some space."
        if isinstance(one, FileNotFoundError) and name:
            relative = "" if Path(str(name)).is_absolute() else f" below {Path.cwd()}"
            return (
                f"There is no file {str(name)!r}{relative}: correct the path, or make it from"
                " Path(__file__)."
            )
        if isinstance(one, PermissionError) or one.errno == errno.EROFS:
            return f"This user may not use {str(name)!r}: change its permissions, or use another."
        if one.errno in (errno.EMFILE, errno.ENFILE):
            return "Too many files are open: close what you open (`with`), or raise ulimit -n."
    return ""


def _of_async(chain: Chain) -> str:
    for one in chain:
        text = _read(one)
        if isinstance(one, SystemExit | KeyboardInterrupt):
            return "An agent's code must not end the process: raise an exception, or return."
        if isinstance(one, RecursionError):
            return "A function calls itself without end: give it a condition to stop."
        if isinstance(one, RuntimeError) and "running event loop" in text:
            return "The server runs the event loop already: `await` the coroutine instead."
        if not isinstance(one, TypeError):
            continue
        if "'async for' requires" in text and "coroutine" in text:
            return "It is a coroutine: `async for` over what `await` gives, or `await` it alone."
        if "await" in text and "generator" in text:
            return "It is a generator: use `async for` over it in place of `await`."
        if "'async for' requires" in text:
            return "It can't be iterated with `async for`: use `for`, or `yield` its text."
        if "await" in text:
            return "It is no coroutine: leave the `await` out."
    return ""


def _by_default(chain: Chain) -> str:
    if any(find_places(one) for one in chain):
        return "Correct that line, or catch the error there and go on without."
    return ""


def _names(error: BaseException) -> list[str]:
    return [kind.__name__ for kind in type(error).__mro__]


def _read(error: BaseException) -> str:
    try:
        return f"{error} {getattr(error, 'body', '') or ''}"
    except Exception:
        return ""


_FINDERS: tuple[Callable[[Chain], str], ...] = (
    _own,
    _of_http_status,
    _of_connection,
    _of_import,
    _of_environment,
    _of_files,
    _of_async,
    _by_default,
)
