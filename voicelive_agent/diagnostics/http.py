"""Failed HTTP requests of any client library: their status and URL, by the field's attributes."""

from typing import Any
from urllib.parse import SplitResult, urlsplit


def find_http(error: BaseException) -> tuple[int, SplitResult | None]:
    """The HTTP status (0: none) and URL (None: not known) that an exception carries.

    httpx, openai, anthropic, requests and aiohttp keep them in ``status_code`` or ``status``,
    ``response`` and ``request``. The URL has neither credentials nor a query.
    """
    response = _get(error, "response")
    status = _first_int(
        _get(error, "status_code"), _get(error, "status"), _get(response, "status_code")
    )
    request = _get(error, "request") or _get(response, "request")
    url = _get(request, "url") or _get(response, "url")
    return status, _clean(url)


def _get(owner: Any, name: str) -> Any:
    # httpx raises RuntimeError where an error has no request yet.
    try:
        return getattr(owner, name, None)
    except Exception:
        return None


def _first_int(*values: Any) -> int:
    return next((one for one in values if isinstance(one, int) and 100 <= one <= 599), 0)


def _clean(url: Any) -> SplitResult | None:
    try:
        parts = urlsplit(str(url)) if url else None
    except ValueError:
        return None
    if parts is None or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    place = f"{host}:{parts.port}" if parts.port else host
    return SplitResult(parts.scheme, place, parts.path, "", "")
