"""Reading Dockerfiles, and what the project's own one says."""

import re

import pytest

from infra.image.dockerfile import Copy, DockerfileError, Run, parse
from tests.infra.files import ROOT

OURS = (ROOT / "Dockerfile").read_text()


def test_stages_steps_and_environment() -> None:
    first, last = parse(
        "# a comment\n"
        "FROM base AS tools\n"
        "ARG WHICH=agent\n"
        "COPY requirements/${WHICH}.txt /tmp/all.txt\n"
        "RUN one \\\n"
        " # a comment in between\n"
        " && two\n"
        "FROM base\n"
        "COPY --from=tools /opt /opt\n"
        "WORKDIR /srv\n"
        "WORKDIR agent\n"
        "COPY . .\n"
        "ENV PATH=/opt/bin:$PATH \\\n"
        '    WORDS="two words"\n'
        "USER 10001\n"
        "EXPOSE 8088\n"
        'CMD ["python", "-m", "voicelive_agent", "serve"]\n'
    )
    copy, run = first.steps
    assert copy == Copy(("requirements/agent.txt",), "/tmp/all.txt")
    assert isinstance(run, Run)
    assert run.command == "one && two"
    assert last.steps == [Copy(("/opt",), "/opt", "tools"), Copy((".",), "/srv/agent")]
    assert last.environment["PATH"].startswith("/opt/bin:/usr/local/bin:")
    assert last.environment["WORDS"] == "two words"
    assert (last.user, last.directory, last.ports) == ("10001", "/srv/agent", (8088,))
    assert last.command == ("python", "-m", "voicelive_agent", "serve")
    assert "WHICH" not in last.environment


@pytest.mark.parametrize(("given", "expected"), [({}, "agent"), ({"WHICH": "model"}, "model")])
def test_build_arguments(given: dict[str, str], expected: str) -> None:
    (stage,) = parse("FROM base\nARG WHICH=agent\nRUN echo\n", given)
    (run,) = stage.steps
    assert isinstance(run, Run)
    assert run.environment["WHICH"] == expected


def test_an_empty_build_argument_falls_back_where_the_file_says_so() -> None:
    """azd passes `REQUIREMENTS=` when its environment does not have the variable."""
    (stage,) = parse("FROM base\nARG A=x\nCOPY ${A:-agent}.txt /t\n", {"A": ""})
    assert stage.steps == [Copy(("agent.txt",), "/t")]


def test_a_stage_goes_on_from_an_earlier_one() -> None:
    _, second = parse("FROM base AS one\nENV A=1\nFROM one\nRUN echo\n")
    assert second.environment["A"] == "1"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("RUN echo\n", "line 1: stands before FROM"),
        ("FROM base\nADD x y\n", "line 2: not understood here: ADD x y"),
        ("FROM base\nRUN --mount=type=cache echo\n", "line 2: only the shell form"),
        ('FROM base\nRUN ["echo"]\n', "only the shell form"),
        ("FROM base\nRUN <<EOF\n", "only the shell form"),
        ("FROM base\nCOPY --chown=1 a b\n", "only --from"),
        ("FROM base\nCOPY a\n", "needs a source and a target"),
        ("FROM base\nCMD python -m voicelive_agent serve\n", "only the exec form"),
        ("FROM base\nENV A B\n", "NAME=value"),
        ("FROM base\nRUN echo \\\n", "line 2: the last line is continued"),
        ("FROM --platform=x base\n", "not understood"),
        ("", "no FROM"),
    ],
)
def test_what_is_not_understood_is_refused(text: str, named: str) -> None:
    with pytest.raises(DockerfileError, match=re.escape(named)):
        parse(text)


def test_unknown_build_arguments_are_refused() -> None:
    with pytest.raises(DockerfileError, match="no ARG declares WRONG"):
        parse("FROM base\n", {"WRONG": "1"})


def test_ours_is_not_root_serves_8088_and_gets_signals_itself() -> None:
    image = parse(OURS)[-1]
    assert image.user.isdecimal()
    assert int(image.user) > 0
    assert image.environment["HOME"] == "/home/session"
    assert image.environment["PORT"] == "8088"
    assert image.ports == (8088,)
    assert image.command[0] == "python"


def test_ours_installs_only_wheels_with_hashes_and_leaves_no_pip() -> None:
    (run,) = [step for step in parse(OURS)[0].steps if isinstance(step, Run)]
    assert "--require-hashes" in run.command
    assert "--only-binary :all:" in run.command
    assert "pip uninstall --yes pip" in run.command


@pytest.mark.parametrize("name", ["agent", "model"])
def test_requirements_are_pinned_with_hashes(name: str) -> None:
    (copy,) = [step for step in parse(OURS, {"REQUIREMENTS": name})[0].steps if _is_copy(step)]
    assert isinstance(copy, Copy)
    (source,) = copy.sources
    assert source == f"requirements/{name}.txt"
    pinned = read_pins(source)
    assert pinned
    for requirement in (ROOT / source).read_text().replace("\\\n", " ").splitlines():
        assert re.match(r"[\w.\[\]-]+==[\w.+!]+ ", requirement), requirement
        assert "--hash=sha256:" in requirement
        assert "://" not in requirement


def test_requirements_hold_what_each_image_needs() -> None:
    agent, model = read_pins("requirements/agent.txt"), read_pins("requirements/model.txt")
    # Redis with a Microsoft Entra identity signs in by azure-identity on aiohttp.
    assert {"fastapi", "uvicorn", "redis", "aiohttp", "azure-identity"} <= agent.keys()
    assert "pydantic-ai-slim" not in agent
    assert {"pydantic-ai-slim", "openai"} <= model.keys()
    assert agent.items() <= model.items()


def read_pins(path: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([\w.+!]+)", (ROOT / path).read_text(), re.MULTILINE))


def _is_copy(step: object) -> bool:
    return isinstance(step, Copy) and step.stage is None
