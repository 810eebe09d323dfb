import httpx
import pytest

from tests.emulator.conversing import open_desk
from voicelive_agent.emulator.routes.files import FOLDER


def files() -> list[str]:
    return sorted(
        str(file.relative_to(FOLDER))
        for file in FOLDER.rglob("*")
        if file.suffix in (".html", ".css", ".js", ".svg", ".txt")
    )


async def test_each_file_of_the_console_is_served_as_what_it_is() -> None:
    """Browsers run no module that is ``text/plain``, and with ``nosniff`` take no style either."""
    types = {
        ".js": "text/javascript",
        ".css": "text/css",
        ".html": "text/html",
        ".svg": "image/svg+xml",
        ".txt": "text/plain",
    }
    async with open_desk() as desk, httpx.AsyncClient(base_url=desk.url) as http:
        for name in files():
            answer = await http.get(f"/console/{name}")
            assert answer.status_code == 200, name
            assert answer.content == (FOLDER / name).read_bytes()
            wanted = types[name[name.rindex(".") :]]
            assert answer.headers["content-type"].split(";")[0] == wanted


async def test_a_file_that_a_browser_has_is_not_sent_again() -> None:
    async with open_desk() as desk, httpx.AsyncClient(base_url=desk.url) as http:
        first = await http.get("/console/sessions.css")
        assert first.headers["cache-control"] == "no-cache"
        tag = first.headers["etag"]
        for known in (tag, f'W/{tag}, "other"'):
            again = await http.get("/console/sessions.css", headers={"If-None-Match": known})
            assert (again.status_code, again.content) == (304, b"")
        other = await http.get("/console/sessions.css", headers={"If-None-Match": '"other"'})
        assert other.status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *("__init__.py", "nothing.js", "", "audio", "..%2Fservice.py", "%2e%2e/settings.py"),
        *("%2Fetc%2Fpasswd", "..%2F..%2F..%2Fpyproject.toml", "sessions.css%00", "sessions.css/x"),
    ],
)
async def test_nothing_but_the_consoles_files_is_served(path: str) -> None:
    async with open_desk() as desk, httpx.AsyncClient(base_url=desk.url) as http:
        answer = await http.get(f"/console/{path}")
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "404"


async def test_every_answer_says_what_a_page_may_do() -> None:
    async with open_desk() as desk, httpx.AsyncClient(base_url=desk.url) as http:
        for path in ("/", "/console/sessions.css", "/sessions", "/about", "/nothing"):
            for headers in ({}, {"Origin": "http://evil.example"}):
                answer = (await http.get(path, headers=headers)).headers
                assert answer["x-content-type-options"] == "nosniff"
                assert answer["referrer-policy"] == "no-referrer"
                policy = dict(
                    part.split(" ", 1) for part in answer["content-security-policy"].split("; ")
                )
                assert policy["default-src"] == policy["style-src"] == "'self'"
                assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
                assert "unsafe" not in answer["content-security-policy"]


async def test_pages_without_javascript_have_neither_scripts_nor_styles_in_line() -> None:
    html = {"Accept": "text/html"}
    async with open_desk() as desk, httpx.AsyncClient(base_url=desk.url) as http:
        page = (await http.get("/sessions", headers=html)).text
        assert "<style" not in page
        assert " style=" not in page
        assert "<script" not in page
        assert "fake voice" in page
