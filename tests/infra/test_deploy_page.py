"""docs/deploy.md: its links and names are those of the repository."""

import json
import re

from tests.infra.bicep import BicepFile
from tests.infra.files import ROOT, read_facts

PAGE = (ROOT / "docs/deploy.md").read_text()


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
            assert (ROOT / "docs" / target).exists(), target


def test_azd_variables_are_read_by_the_parameters() -> None:
    parameters = json.loads((ROOT / "infra/main.parameters.json").read_text())["parameters"]
    read = {re.findall(r"\w+", entry["value"])[0] for entry in parameters.values()}
    named = set(re.findall(r"azd env set (\w+)", PAGE)) - {"NAME"}
    assert named <= read
    assert set(re.findall(r"^\| `([A-Z_]+)` \| [^|]+\|[^|]+\|$", PAGE, re.MULTILINE)) <= read


def test_files_and_roles_exist() -> None:
    for path in re.findall(r"(?:infra|requirements)/[\w./-]+\.(?:bicep|json|yaml|in)\b", PAGE):
        if path != "infra/kubernetes/secret.yaml":
            assert (ROOT / path).is_file(), path
    assert set(re.findall(r"--role ([0-9a-f-]{36})", PAGE)) <= read_facts()["roles"].keys()


def test_container_apps_parameters_and_outputs_exist() -> None:
    file = BicepFile(ROOT / "infra/container-apps/main.bicep")
    section = PAGE[PAGE.index("\n## Azure Container Apps") :]
    given = set(re.findall(r"(?:-p | )(\w+)=[<'$]", section))
    assert given
    assert given <= file.parameters.keys()
    for output in ("AGENT_SERVER_URL", "IDENTITY_PRINCIPAL_ID"):
        assert output in section
        assert output in file.outputs
