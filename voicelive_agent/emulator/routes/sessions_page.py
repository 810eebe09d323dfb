"""The page of ``GET /sessions`` without JavaScript: what runs, the sessions and their turns."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from voicelive_agent.emulator.watch.marks import TITLES
from voicelive_agent.emulator.watch.sessions import SessionReport, Sessions

_SHOWN_SESSIONS = 20
_SHOWN_TURNS = 50


def render_sessions(running: Mapping[str, str], sessions: Sessions) -> str:
    """The page. ``running`` are facts about the service."""
    facts = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in running.items()
    )
    newest = list(sessions)[::-1][:_SHOWN_SESSIONS]
    body = "".join(_render_session(report) for report in newest)
    if not newest:
        body = '<p class="quiet">No session yet: connect a client, and load this page again.</p>'
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<title>Voice Live emulator</title>"
        '<link rel="stylesheet" href="console/sessions.css"></head><body>'
        f"<h1>Voice Live emulator</h1><dl>{facts}</dl>{body}</body></html>"
    )


def _render_session(report: SessionReport) -> str:
    summary = report.summary()
    heading = (
        f'<h2><a href="sessions/{escape(report.id)}">{escape(report.id)}</a> '
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
