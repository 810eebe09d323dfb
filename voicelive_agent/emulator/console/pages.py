"""The page of ``GET /``: what is running, and the sessions with their turns."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from voicelive_agent.emulator.watch.marks import TITLES
from voicelive_agent.emulator.watch.sessions import SessionReport, Sessions

_SHOWN_SESSIONS = 20
_SHOWN_TURNS = 50

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --quiet: #888; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .4rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; }
dt, .quiet { color: var(--quiet); } dd { margin: 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .5rem; text-align: right; }
th { color: var(--quiet); font-weight: 500; font-size: .85rem; }
th.text, td.text { text-align: left; min-width: 14rem; }
code { font-size: .95em; }
"""


def render_home(running: Mapping[str, str], sessions: Sessions, query: str = "") -> str:
    """The page. ``running`` are facts about the service; ``query`` is kept on its links."""
    facts = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in running.items()
    )
    newest = list(sessions)[::-1][:_SHOWN_SESSIONS]
    body = "".join(_render_session(report, query) for report in newest)
    if not newest:
        body = (
            '<p class="quiet">No session yet: connect a client, or run <code>make demo</code>.</p>'
        )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="refresh" content="2">'
        f"<title>Voice Live emulator</title><style>{_STYLE}</style></head><body>"
        f"<h1>Voice Live emulator</h1><dl>{facts}</dl>{body}</body></html>"
    )


def _render_session(report: SessionReport, query: str) -> str:
    summary = report.summary()
    heading = (
        f'<h2><a href="sessions/{escape(report.id)}{escape(query)}">{escape(report.id)}</a> '
        f'<span class="quiet">{escape(report.answers)}, {summary["state"]}, '
        f"{summary['duration_ms'] / 1000:.0f} s</span></h2>"
    )
    turns = [turn.as_json() for turn in report.marks.turns][-_SHOWN_TURNS:]
    if not turns:
        return f'{heading}<p class="quiet">No turn yet.</p>'
    head = "".join(f"<th>{escape(title)}</th>" for title in TITLES.values())
    return (
        f'{heading}<div class="scroll"><table><thead><tr><th>#</th><th class="text">turn</th>'
        f"{head}<th>voice to voice</th></tr></thead><tbody>{_render_rows(turns)}</tbody></table>"
        '<p class="quiet">ms since the session began; voice to voice: from the end of speech to '
        "the first audible sample of the answer.</p></div>"
    )


def _render_rows(turns: Iterable[Mapping[str, Any]]) -> str:
    rows = []
    for turn in turns:
        said = [
            f"<div>{label}: {escape(text)}</div>"
            for label, text in (("user", turn["user_text"]), ("agent", turn["agent_text"]))
            if text
        ]
        said.append(
            f'<div class="quiet">{escape(turn["kind"])} {escape(turn["status"] or "")}</div>'
        )
        cells = "".join(f"<td>{_ms(turn['marks_ms'][name])}</td>" for name in TITLES)
        rows.append(
            f'<tr><td>{turn["number"]}</td><td class="text">{"".join(said)}</td>{cells}'
            f"<td>{_ms(turn['voice_to_voice_ms'])}</td></tr>"
        )
    return "".join(rows)


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"
