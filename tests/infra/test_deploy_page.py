"""docs/howto/deploy.md: its links and names are those of the repository."""

import importlib.util
import inspect
import json
import re

import yaml

from infra.locks import LOCKS
from tests.infra.bicep import BicepFile
from tests.infra.files import ROOT, read_facts
from tests.infra.test_manifests import AZURE, SERVICE, find_faults
from voicelive_agent.cli import main
from voicelive_agent.client.options import build_parser
from voicelive_agent.model_agent.settings import ModelAgentSettings
from voicelive_agent.server.settings import Settings
from voicelive_agent.settings_sources import variables_of

PAGE = (ROOT / "docs/howto/deploy.md").read_text()


def test_links_lead_somewhere() -> None:
    headings = {
        re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-")
        for line in PAGE.splitlines()
        if line.startswith("#")
    }
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        if target.startswith("#"):
            assert target[1:] in headings
        elif "://" not in target:
            assert (ROOT / "docs/howto" / target).exists(), target


def test_azd_variables_are_read_by_the_parameters() -> None:
    parameters = json.loads((ROOT / "infra/main.parameters.json").read_text())["parameters"]
    read = {re.findall(r"\w+", entry["value"])[0] for entry in parameters.values()}
    named = set(re.findall(r"azd env set (\w+)", PAGE)) - {"NAME"}
    assert named <= read
    assert set(re.findall(r"^\| `([A-Z_]+)` \| [^|]+\|[^|]+\|$", PAGE, re.MULTILINE)) <= read


def test_files_and_roles_exist() -> None:
    kinds = "bicep|json|yaml|in"
    for path in re.findall(rf"(?:tests/)?(?:infra|requirements)/[\w./-]+\.(?:{kinds})\b", PAGE):
        if path != "infra/kubernetes/secret.yaml":
            assert (ROOT / path).is_file(), path
    assert set(re.findall(r"--role ([0-9a-f-]{36})", PAGE)) <= read_facts()["roles"].keys()


def test_container_apps_parameters_and_outputs_exist() -> None:
    file = BicepFile(ROOT / "infra/container-apps/main.bicep")
    section = PAGE[PAGE.index("\n## Azure Container Apps") :]
    commands = re.findall(r"az deployment group create(?:.*\\\n)*.*", section)
    given = set(re.findall(r"(?:-p | )(\w+)=[<'$]", "\n".join(commands)))
    assert given
    assert given <= file.parameters.keys()
    for output in ("AGENT_SERVER_URL", "IDENTITY_PRINCIPAL_ID"):
        assert output in section
        assert output in file.outputs


def test_commands_exist() -> None:
    for module in re.findall(r"python -m ([a-z_.]+)", PAGE):
        assert importlib.util.find_spec(module), module
    help_text = build_parser().format_help()
    for option in re.findall(r"python -m client (--[a-z-]+)", PAGE):
        assert option in help_text, option
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\$ make ([a-z-]+)", PAGE)) <= targets
    for path in re.findall(r"pip install -r (\S+)", PAGE):
        assert (ROOT / path).is_file(), path


def test_settings_exist() -> None:
    """A variable in the text is one of the server, of azd, or of another part that reads it."""
    of_server = {*variables_of(Settings), *variables_of(ModelAgentSettings)}
    of_infra = set(BicepFile(ROOT / "infra/main.bicep").outputs)
    of_infra |= set(BicepFile(ROOT / "infra/container-apps/main.bicep").outputs)
    of_azd = {"AZURE_LOCATION"}
    of_redis = {"REDIS_PASSWORD"}
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`", PAGE))
    assert named
    of_parameters = set(re.findall(r"\{(\w+)", (ROOT / "infra/main.parameters.json").read_text()))
    assert named <= of_server | of_infra | of_azd | of_redis | of_parameters


def test_own_requirements_are_pinned_with_the_extras_of_the_image() -> None:
    image = LOCKS["agent"]
    command = PAGE[PAGE.index("uv pip compile") :].partition("```")[0]
    assert set(re.findall(r"--extra ([a-z-]+)", command)) == set(image.extras)
    assert all(file in command for file in image.files)


def test_the_source_can_be_deployed_as_the_page_says() -> None:
    """A free-trial subscription builds no images; the page said that Docker isn't needed."""
    section = PAGE[PAGE.index("### Other ways") : PAGE.index("### A project or registry")]
    (code,) = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    service = {name: value for name, value in SERVICE.items() if name not in ("language", "docker")}
    service |= yaml.safe_load(code)
    assert find_faults({**AZURE, "services": {"voicelive-agent": service}}) == []
    (program,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    inspect.signature(main).bind(["serve"])
    compile(program, service["codeConfiguration"]["entryPoint"], "exec")


def test_the_usual_troubles_say_how_they_show_and_what_to_do() -> None:
    table = PAGE[PAGE.index("### What can go wrong") : PAGE.index("\n## The image")]
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in table.splitlines()
        if line.startswith("| ")
    ]
    assert all(len(row) == 3 and all(row) for row in rows)
    seen = [row[0] for row in rows]
    for sign in (
        "session_not_ready",
        "agent_not_voice_compatible",
        "InsufficientQuota",
        "parameter 'location'",
        "`403`",
        "roleAssignments/write",
    ):
        assert any(sign in text for text in seen), sign
