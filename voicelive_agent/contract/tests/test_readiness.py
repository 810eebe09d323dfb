"""GET /readiness, by which the platform knows that a container takes turns."""

import pytest

from voicelive_agent.contract.judge import Judge
from voicelive_agent.contract.requests import Wire


async def test_readiness_says_healthy(wire: Wire, judge: Judge) -> None:
    judge.require("READY-1")
    reply = await wire.send("GET", "/readiness")
    judge(
        reply.status == 200
        and reply.content_type.startswith("application/json")
        and reply.json() == {"status": "healthy"},
        "READY-1",
        'HTTP 200, content-type: application/json, {"status":"healthy"}',
        reply,
    )


async def test_readiness_answers_head(wire: Wire, judge: Judge) -> None:
    judge.require("READY-2")
    reply = await wire.send("HEAD", "/readiness")
    judge(reply.status == 200 and not reply.body, "READY-2", "HTTP 200, no body", reply)


async def test_readiness_takes_no_post(wire: Wire, judge: Judge) -> None:
    judge.require("READY-3")
    reply = await wire.send("POST", "/readiness", body={})
    judge(reply.status == 405, "READY-3", "HTTP 405", reply)


@pytest.mark.parametrize("path", ["/liveness", "/healthy", "/healthz"])
async def test_no_other_health_path(wire: Wire, judge: Judge, path: str) -> None:
    judge.require("READY-4")
    reply = await wire.send("GET", path)
    judge(reply.status == 404, "READY-4", "HTTP 404", reply)
