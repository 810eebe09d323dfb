"""azure.yaml, agent.yaml and agent.manifest.yaml: what each has to say, and that they agree."""

from typing import Any

import pytest

from tests.infra.files import ROOT, read_dockerfile, read_facts, read_yaml
from voicelive_agent.model_agent.settings import ModelAgentSettings
from voicelive_agent.server.settings import Settings
from voicelive_agent.settings_sources import variables_of

AZURE = read_yaml("azure.yaml")
SERVICE: dict[str, Any] = AZURE["services"]["voicelive-agent"]
AGENT: dict[str, Any] = read_yaml("agent.yaml")
MANIFEST: dict[str, Any] = read_yaml("agent.manifest.yaml")
TEMPLATE: dict[str, Any] = MANIFEST["template"]


def read_variables(listed: list[dict[str, str]]) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in listed}


def test_names_kind_and_protocols_agree() -> None:
    assert SERVICE["name"] == AGENT["name"] == TEMPLATE["name"] == MANIFEST["name"]
    assert SERVICE["kind"] == AGENT["kind"] == TEMPLATE["kind"] == "hosted"
    expected = [{"protocol": "invocations", "version": "2.0.0"}]
    assert SERVICE["protocols"] == AGENT["protocols"] == TEMPLATE["protocols"] == expected
    assert SERVICE["description"] == AGENT["description"] == MANIFEST["description"]
    assert SERVICE["displayName"] == MANIFEST["displayName"]


@pytest.mark.parametrize("metadata", [SERVICE["metadata"], AGENT["metadata"], MANIFEST["metadata"]])
def test_voice_live_finds_the_agent_compatible(metadata: dict[str, Any]) -> None:
    """azd copies strings only: with a YAML boolean the agent is refused as not compatible."""
    assert metadata["voiceLiveCompatible"] == "true"
    assert isinstance(metadata["voiceLiveCompatible"], str)
    # It would select the Bridge protocol, which needs another wire.
    assert "bridgeProtocolVersion" not in metadata


def test_deployed_metadata_is_strings_only() -> None:
    for metadata in (SERVICE["metadata"], AGENT["metadata"]):
        assert all(isinstance(value, str) for value in metadata.values())


def test_variables_agree_and_are_settings_of_the_server() -> None:
    in_agent = read_variables(AGENT["environment_variables"])
    in_template = read_variables(TEMPLATE["environment_variables"])
    assert SERVICE["env"] == in_agent
    assert in_template.keys() == in_agent.keys()
    known = {*variables_of(Settings), *variables_of(ModelAgentSettings)}
    assert in_agent.keys() <= known


def test_no_variable_is_reserved_by_the_platform() -> None:
    facts = read_facts()["agent"]
    for name in SERVICE["env"]:
        assert not name.startswith(tuple(facts["reserved_prefixes"]))
        assert name not in facts["reserved_names"]


def test_resources_agree_and_fit_a_sandbox() -> None:
    facts = read_facts()["agent"]
    resources = SERVICE["container"]["resources"]
    assert resources == AGENT["resources"] == TEMPLATE["resources"]
    assert isinstance(resources["cpu"], str)
    assert facts["cpu"][0] <= float(resources["cpu"]) <= facts["cpu"][1]
    memory = float(resources["memory"].removesuffix("Gi"))
    assert facts["memory_gib"][0] <= memory <= facts["memory_gib"][1]


def test_the_unified_form() -> None:
    assert SERVICE["host"] == "azure.ai.agent"
    assert AZURE["services"]["ai-project"]["host"] == "azure.ai.project"
    assert SERVICE["uses"] == ["ai-project"]
    assert SERVICE["language"] == "docker"
    assert SERVICE["docker"]["platform"] == "linux/amd64"
    assert SERVICE["startupCommand"].split() == list(read_dockerfile().command)
    assert (ROOT / SERVICE["docker"]["path"]).is_file()
    assert "codeConfiguration" not in SERVICE
    required = AZURE["requiredVersions"]
    assert required["azd"] == ">=1.27.1"
    first = {**read_facts()["extensions"]}
    del first["source"]
    assert required["extensions"] == {name: f">={version}" for name, version in first.items()}
    idle = SERVICE["sessionConfiguration"]["idleTimeoutSeconds"]
    low, high = read_facts()["agent"]["idle_timeout_seconds"]
    assert low <= idle <= high
    assert (ROOT / AZURE["infra"]["path"] / f"{AZURE['infra']['module']}.bicep").is_file()


def test_every_field_is_one_that_azd_reads() -> None:
    fields = {name: set(known) for name, known in read_facts()["fields"].items()}
    assert AZURE.keys() <= fields["azure.yaml"]
    assert SERVICE.keys() <= fields["service"]
    assert SERVICE["docker"].keys() <= fields["docker"]
    assert SERVICE["container"].keys() == {"resources"}
    assert AGENT.keys() <= fields["definition"]
    assert TEMPLATE.keys() <= fields["definition"]
    assert MANIFEST.keys() <= fields["manifest"]
    for resources in (SERVICE["container"]["resources"], AGENT["resources"]):
        assert resources.keys() == {"cpu", "memory"}
    for parameter in MANIFEST["parameters"].values():
        assert parameter.keys() <= {"description", "required", "schema"}
        assert parameter["schema"].keys() <= {"type", "default", "enum", "secret"}


def test_the_manifest_has_what_its_schema_requires() -> None:
    assert {"name", "displayName", "template", "parameters", "resources"} <= MANIFEST.keys()
    placeholders = read_variables(TEMPLATE["environment_variables"])
    models = {resource["name"] for resource in MANIFEST["resources"]}
    for name, value in placeholders.items():
        assert value == f"{{{{{name}}}}}"
        assert name in MANIFEST["parameters"] or name in models


def test_the_model_is_the_same_everywhere() -> None:
    (deployment,) = AZURE["services"]["ai-project"]["deployments"]
    (resource,) = MANIFEST["resources"]
    assert resource == {
        "kind": "model",
        "id": deployment["model"]["name"],
        "name": "AZURE_AI_MODEL_DEPLOYMENT_NAME",
    }
