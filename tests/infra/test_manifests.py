"""azure.yaml: what it has to say, by azd's schemas and by what the service takes."""

import itertools
import json
import re
from typing import Any

import jsonschema
import pytest
import yaml
from azure.ai.projects import models
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from tests.infra.bicep import BicepFile
from tests.infra.files import ROOT, read_dockerfile, read_facts, read_yaml
from voicelive_agent.cli import main
from voicelive_agent.model_agent.settings import ModelAgentSettings
from voicelive_agent.server.manifest import describe_service
from voicelive_agent.server.settings import Settings, WireName, load_settings
from voicelive_agent.settings_sources import variables_of

AZURE = read_yaml("azure.yaml")
SERVICE: dict[str, Any] = AZURE["services"]["voicelive-agent"]
SCHEMAS = {
    path.name: json.loads(path.read_text()) for path in (ROOT / "infra/schemas").glob("*.json")
}


def find_schema(uri: str) -> Resource[Any]:
    """The kept schema of this address; azd's other services, which we have none of, take all."""
    return DRAFT7.create_resource(SCHEMAS.get(uri.rsplit("/", 1)[1], {}))


def find_faults(azure: dict[str, Any]) -> list[str]:
    """What azd's schemas say of an azure.yaml."""
    registry: Registry[Any] = Registry(retrieve=find_schema)  # type: ignore[call-arg]
    schema = SCHEMAS["azure.yaml.json"]
    validator = jsonschema.validators.validator_for(schema)(schema, registry=registry)
    return [fault.message for fault in validator.iter_errors(azure)]


def make_version(service: dict[str, Any]) -> dict[str, Any]:
    """The definition that azd's agent extension sends (agent_yaml/map.go, beta.11)."""
    resources = service["container"]["resources"]
    return {
        "kind": service["kind"],
        "protocol_versions": service["protocols"],
        "cpu": resources["cpu"],
        "memory": resources["memory"],
        "environment_variables": service["env"],
        "container_configuration": {"image": "registry.example.com/voicelive-agent:1"},
        "session_configuration": {
            "idle_timeout_seconds": service["sessionConfiguration"]["idleTimeoutSeconds"]
        },
    }


def find_unknown(model: type[Any], body: dict[str, Any], path: str = "") -> list[str]:
    """Fields of a body that the service's model doesn't have, nested ones included."""
    instance = model(body)
    known = {field._rest_name for field in model._attr_to_rest_field.values()}
    unknown = [f"{path}{name}" for name in body if name not in known]
    for attribute, field in model._attr_to_rest_field.items():
        value = body.get(field._rest_name)
        for part in value if isinstance(value, list) else [value]:
            inner = getattr(instance, attribute, None)
            inner = inner[0] if isinstance(inner, list) and inner else inner
            if isinstance(part, dict) and hasattr(type(inner), "_attr_to_rest_field"):
                unknown += find_unknown(type(inner), part, f"{path}{field._rest_name}.")
    return unknown


def test_is_valid_by_the_schemas_of_azd() -> None:
    assert find_faults(AZURE) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"sessionConfiguration": {"idleTimeoutSeconds": 60}}, "minimum"),
        ({"sessionConfiguration": {"idleSeconds": 900}}, "idleSeconds"),
        ({"kind": "hosting"}, "hosting"),
        ({"protocols": [{"name": "invocations"}]}, "protocol"),
        ({"docker": {"remoteBuild": "yes"}}, "yes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_schemas_find_errors(change: dict[str, Any], told: str) -> None:
    broken = {**AZURE, "services": {**AZURE["services"], "voicelive-agent": {**SERVICE, **change}}}
    assert any(told in fault for fault in find_faults(broken)), find_faults(broken)


def test_the_service_takes_what_azd_sends() -> None:
    """By the models of the service's own SDK: every field is one of theirs, and reads back."""
    body = make_version(SERVICE)
    assert find_unknown(models.HostedAgentDefinition, body) == []
    definition = models.HostedAgentDefinition(body)
    assert definition.kind == models.AgentKind.HOSTED
    protocols = {protocol.protocol for protocol in definition.protocol_versions or []}
    assert protocols <= {known.value for known in models.AgentEndpointProtocol}
    assert definition.session_configuration
    seconds = definition.session_configuration.idle_timeout_seconds
    low, high = read_facts()["agent"]["idle_timeout_seconds_of_the_service"]
    assert seconds
    assert low <= seconds.total_seconds() <= high


@pytest.mark.parametrize(
    ("change", "unknown"),
    [
        ({"protocols": []}, "protocols"),
        ({"session_configuration": {"idleTimeoutSeconds": 900}}, "idleTimeoutSeconds"),
        ({"container_configuration": {"img": "x"}}, "container_configuration.img"),
        ({"protocol_versions": [{"name": "a", "version": "1"}]}, "protocol_versions.name"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_field_that_the_service_lacks_is_found(change: dict[str, Any], unknown: str) -> None:
    body = {**make_version(SERVICE), **change}
    assert any(name.endswith(unknown) for name in find_unknown(models.HostedAgentDefinition, body))


def test_protocol_and_image_are_what_is_built() -> None:
    assert SERVICE["protocols"] == [{"protocol": "invocations", "version": "2.0.0"}]
    assert SERVICE["host"] == "azure.ai.agent"
    assert AZURE["services"]["ai-project"]["host"] == "azure.ai.project"
    assert SERVICE["uses"] == ["ai-project"]
    assert SERVICE["language"] == "docker"
    assert SERVICE["docker"]["platform"] == "linux/amd64"
    assert SERVICE["startupCommand"].split() == list(read_dockerfile().command)
    assert (ROOT / SERVICE["docker"]["path"]).is_file()
    assert (ROOT / AZURE["infra"]["path"] / f"{AZURE['infra']['module']}.bicep").is_file()


def test_the_switch_the_file_and_the_command_say_the_same() -> None:
    """``bridgeProtocolVersion`` moves Voice Live away from Invocations: never by accident."""
    wires = SERVICE["env"].get("VOICELIVE_WIRES")
    served = load_settings({"wires": wires}).wires
    described = describe_service(served)
    assert SERVICE["protocols"] == described["protocols"]
    assert SERVICE["metadata"] == described["metadata"]
    assert SERVICE["env"].get("VOICELIVE_WIRES") == described.get("env", {}).get("VOICELIVE_WIRES")


@pytest.mark.parametrize(
    "wires",
    [
        chosen
        for count in range(1, 4)
        for chosen in itertools.permutations(("invocations", "bridge", "responses"), count)
    ],
    ids=",".join,
)
def test_each_choice_of_wires_prints_a_manifest_that_azd_and_the_service_take(
    wires: tuple[WireName, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["manifest", "--wires", ",".join(wires)]) in (0, None)
    printed = yaml.safe_load(capsys.readouterr().out)
    assert printed == describe_service(wires)
    service = {**SERVICE, **printed, "env": {**SERVICE["env"], **printed.get("env", {})}}
    services = {**AZURE["services"], "voicelive-agent": service}
    assert find_faults({**AZURE, "services": services}) == []
    body = make_version(service)
    assert find_unknown(models.HostedAgentDefinition, body) == []
    known = {protocol.value for protocol in models.AgentEndpointProtocol}
    assert {record["protocol"] for record in printed["protocols"]} <= known
    assert all(isinstance(value, str) for value in printed["metadata"].values())
    assert ("bridgeProtocolVersion" in printed["metadata"]) == ("bridge" in wires)
    assert load_settings({"wires": printed.get("env", {}).get("VOICELIVE_WIRES")}).wires == wires


def test_voice_live_finds_the_agent_compatible() -> None:
    """azd copies strings only: with a YAML boolean the agent is refused as not compatible."""
    metadata = SERVICE["metadata"]
    assert metadata["voiceLiveCompatible"] == "true"
    assert all(isinstance(value, str) for value in metadata.values())
    # It would select the Bridge protocol, which needs another wire.
    assert "bridgeProtocolVersion" not in metadata


def test_variables_are_settings_and_none_is_reserved_by_the_platform() -> None:
    facts = read_facts()["agent"]
    assert SERVICE["env"].keys() <= {*variables_of(Settings), *variables_of(ModelAgentSettings)}
    for name in SERVICE["env"]:
        assert not name.startswith(tuple(facts["reserved_prefixes"]))
        assert name not in facts["reserved_names"]


def test_resources_fit_a_sandbox() -> None:
    facts = read_facts()["agent"]
    resources = SERVICE["container"]["resources"]
    assert isinstance(resources["cpu"], str)
    assert facts["cpu"][0] <= float(resources["cpu"]) <= facts["cpu"][1]
    memory = float(resources["memory"].removesuffix("Gi"))
    assert facts["memory_gib"][0] <= memory <= facts["memory_gib"][1]
    idle = SERVICE["sessionConfiguration"]["idleTimeoutSeconds"]
    low, high = facts["idle_timeout_seconds"]
    assert low <= idle <= high


def read_version(text: str) -> tuple[int, ...]:
    """A version as numbers, of which a release is more than its betas."""
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    return (*numbers[:3], numbers[3] if "-" in text else 1_000_000)


def test_azd_is_as_new_as_its_extensions_ask() -> None:
    """1.27.1 was asked for, which can't run the extensions that stood two lines below it.

    azd then said to update an extension, which can't help: azd itself was too old.
    """
    required = AZURE["requiredVersions"]
    floor = read_version(required["azd"])
    extensions = {**read_facts()["extensions"]}
    del extensions["source"]
    for name, published in extensions.items():
        assert floor >= read_version(published["azd"]), name
        for other, version in published.get("needs", {}).items():
            assert read_version(required["extensions"][other]) >= read_version(version)
    for name, asked in required["extensions"].items():
        assert asked == f">={extensions[name]['first']}"


def test_azd_makes_no_model_beside_the_bicep() -> None:
    """The model was deployed, and its quota asked for, for an agent that needs none."""
    assert "deployments" not in AZURE["services"]["ai-project"]
    main = BicepFile(ROOT / "infra/main.bicep")
    assert main.parameters["deployModel"] == "'auto'"
    assert "(deployModel == 'auto' && agent == 'model')" in (main.root.text or b"").decode()
    foundry = BicepFile(ROOT / "infra/modules/foundry.bicep")
    kind = "Microsoft.CognitiveServices/accounts/deployments"
    (model,) = [one for one in foundry.resources if one.kind.startswith(kind)]
    assert "if (withModel)" in model.text
