"""infra/'s Bicep: its syntax, its inner references, and what it asks of Azure."""

import json
import re
from datetime import date
from pathlib import Path

import pytest

from tests.infra.bicep import BicepFile, Declaration
from tests.infra.files import ROOT, read_facts, read_yaml
from voicelive_agent.client.settings import Settings as ClientSettings
from voicelive_agent.server.settings import Settings as ServerSettings
from voicelive_agent.settings_sources import variables_of

FILES = {
    path.relative_to(ROOT).as_posix(): BicepFile(path)
    for path in sorted((ROOT / "infra").rglob("*.bicep"))
}
MAIN = FILES["infra/main.bicep"]
APPS = FILES["infra/container-apps/main.bicep"]
# Functions and namespaces of the language that infra/ uses.
BUILT_IN = {"subscription", "resourceGroup", "uniqueString", "toLower", "guid", "empty", "string"}
BUILT_IN |= {"subscriptionResourceId", "json", "concat", "split"}
DECORATORS = {"description", "allowed", "metadata", "minLength", "maxLength", "minValue"}
DECORATORS |= {"maxValue", "secure", "azd"}
GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

every_file = pytest.mark.parametrize("name", FILES)


def find(file: BicepFile, kind: str) -> Declaration:
    (found,) = [one for one in file.resources if one.kind.split("@")[0] == kind]
    return found


def test_the_parser_finds_errors(tmp_path: Path) -> None:
    broken = tmp_path / "broken.bicep"
    broken.write_text("param a string\nresource x 'A/b@2020-01-01' = {\n  name: \n")
    assert BicepFile(broken).errors


@every_file
def test_syntax(name: str) -> None:
    assert FILES[name].errors == []


@every_file
def test_resource_types_and_versions_are_published(name: str) -> None:
    published = read_facts()["resources"]
    for resource in FILES[name].resources:
        kind, _, version = resource.kind.partition("@")
        assert kind in published, f"{kind} is in no published source in facts.yaml"
        assert version in published[kind]["versions"]


@every_file
def test_role_ids_are_published(name: str) -> None:
    roles = read_facts()["roles"]
    assert {text for text in FILES[name].strings if GUID.fullmatch(text)} <= roles.keys()


def test_every_fact_has_a_source() -> None:
    facts = read_facts()
    entries = [*facts["resources"].values(), *facts["roles"].values()]
    entries += [facts["hosted_agent_regions"], facts["voice_agent_regions"], facts["agent"]]
    entries += [facts["extensions"]]
    assert all(entry["source"] in facts["sources"] for entry in entries)


def test_every_source_has_the_day_on_which_it_was_read() -> None:
    for source in read_facts()["sources"].values():
        assert date(2026, 1, 1) < date.fromisoformat(source["checked"])
        assert source["where"]


@every_file
def test_every_symbol_is_declared_and_every_parameter_used(name: str) -> None:
    file = FILES[name]
    known = file.symbols | BUILT_IN | DECORATORS
    known |= {"targetScope"}
    assert file.identifiers - known == set()
    unused = (file.parameters.keys() | file.symbols) - file.identifiers
    assert {symbol for symbol in unused if symbol in file.parameters} == set()


@every_file
def test_parameters_are_described(name: str) -> None:
    for parameter, decorators in FILES[name].decorators.items():
        texts = [(node.text or b"").decode() for node in decorators]
        assert any(text.startswith("@description(") for text in texts), parameter


def test_modules_get_just_their_parameters() -> None:
    for module in MAIN.modules:
        target = FILES[f"infra/{module.kind}"]
        given = module.names_of("params")
        required = {name for name, default in target.parameters.items() if default is None}
        assert required <= given <= target.parameters.keys(), module.symbol
        assert target.scope == "resourceGroup"
        for output in re.findall(rf"\b{module.symbol}\.outputs\.(\w+)", MAIN.root.text.decode()):  # type: ignore[union-attr]
            assert output in target.outputs


def test_every_module_file_is_used() -> None:
    used = {f"infra/{module.kind}" for module in MAIN.modules}
    assert used == {name for name in FILES if name.startswith("infra/modules/")}


def test_regions_have_hosted_agents_and_voice_live_with_agents() -> None:
    facts = read_facts()
    both = set(facts["hosted_agent_regions"]["names"]) & set(facts["voice_agent_regions"]["names"])
    regions = MAIN.allowed("location")
    assert regions == sorted(both)
    assert len(regions) == 20


def test_parameter_file_sets_parameters_that_exist_and_all_that_are_required() -> None:
    given = json.loads((ROOT / "infra/main.parameters.json").read_text())["parameters"]
    required = {name for name, default in MAIN.parameters.items() if default is None}
    assert required <= given.keys() <= MAIN.parameters.keys()
    for name, entry in given.items():
        match = re.fullmatch(r"\$\{\w+(?:=(.*))?\}", entry["value"])
        assert match, name
        if match[1] is not None:
            assert MAIN.parameters[name] == f"'{match[1]}'"


def test_nothing_has_a_key() -> None:
    account = find(FILES["infra/modules/foundry.bicep"], "Microsoft.CognitiveServices/accounts")
    assert account.find("properties", "disableLocalAuth") == "true"
    registry = find(FILES["infra/modules/registry.bicep"], "Microsoft.ContainerRegistry/registries")
    assert registry.find("properties", "adminUserEnabled") == "false"
    database = find(APPS, "Microsoft.Cache/redisEnterprise/databases")
    assert database.find("properties", "accessKeysAuthentication") == "'Disabled'"
    for file in FILES.values():
        assert b"listKeys" not in (file.root.text or b"")
        assert b"listCredentials" not in (file.root.text or b"")
        assert not [name for name in file.outputs if "key" in name.lower()]


def test_roles_are_few_and_narrow() -> None:
    """Each assignment is of a known role; nobody gets Owner or Contributor."""
    role = ("properties", "roleDefinitionId")
    assignments = [
        (name, resource)
        for name, file in FILES.items()
        for resource in file.resources
        if resource.kind.startswith("Microsoft.Authorization/roleAssignments@")
    ]
    assert {(name, resource.find(*role)) for name, resource in assignments} == {
        ("infra/modules/registry.bicep", "acrPull"),
        ("infra/modules/roles.bicep", "foundryUser"),
        ("infra/container-apps/main.bicep", "acrPull"),
    }
    for _, resource in assignments:
        if resource.find(*role) == "acrPull":
            assert resource.find("scope") == "registry"


def test_the_project_is_told_where_telemetry_goes_and_where_images_are() -> None:
    kind = "Microsoft.CognitiveServices/accounts/projects/connections"
    insights = find(FILES["infra/modules/monitoring.bicep"], kind)
    assert insights.find("properties", "category") == "'AppInsights'"
    registry = find(FILES["infra/modules/registry.bicep"], kind)
    assert registry.find("properties", "category") == "'ContainerRegistry'"
    assert registry.find("properties", "authType") == "'ManagedIdentity'"


def test_the_registry_is_connected_as_azd_does_it() -> None:
    """It was made with 2025-06-01 and no credentials, and Azure would have refused it."""
    file = FILES["infra/modules/registry.bicep"]
    connection = find(file, "Microsoft.CognitiveServices/accounts/projects/connections")
    credentials = ("properties", "credentials")
    assert connection.find(*credentials, "clientId") == "projectPrincipalId"
    assert connection.find(*credentials, "resourceId") == "registry.id"
    assert connection.names_of(*credentials) == {"clientId", "resourceId"}
    # It is of use once the project may pull.
    assert re.findall(r"\w+", connection.find("dependsOn") or "") == ["projectPullsImages"]


@every_file
def test_an_existing_parent_has_the_version_of_its_children(name: str) -> None:
    versions: dict[str, str] = {}
    for resource in FILES[name].resources:
        kind, _, version = resource.kind.partition("@")
        if kind.startswith("Microsoft.CognitiveServices/"):
            versions[kind] = version
    assert len(set(versions.values())) <= 1, versions


def test_outputs_are_what_azd_the_agent_and_the_client_read() -> None:
    outputs = MAIN.outputs.keys()
    assert set(read_facts()["agent"]["outputs"]) <= outputs
    fields = {f"VOICELIVE_{name.upper()}" for name in ClientSettings.model_fields}
    fields |= variables_of(ServerSettings).keys()
    assert {name for name in outputs if name.startswith("VOICELIVE_")} <= fields
    assert {"VOICELIVE_ENDPOINT", "VOICELIVE_AGENT_NAME", "VOICELIVE_PROJECT_NAME"} <= outputs
    azure = (ROOT / "azure.yaml").read_text()
    assert set(re.findall(r"\$\{(\w+)\}", azure)) <= outputs
    # Under this name the client looks for the agent that azd deploys.
    deployed = read_yaml("azure.yaml")["services"]["voicelive-agent"]["name"]
    assert MAIN.outputs["VOICELIVE_AGENT_NAME"] == "agentName"
    assert MAIN.parameters["agentName"] == f"'{deployed}'"


def test_container_apps_probe_readiness_and_outlast_the_drain() -> None:
    app = find(APPS, "Microsoft.App/containerApps")
    # Readiness alone asks for it: a server without Redis is not ready, and must not be killed.
    assert app.text.count("path: '/readiness'") == 1
    assert app.text.count("tcpSocket: {") == 2
    assert set(re.findall(r"type: '(\w+)'", app.text)) >= {"Startup", "Readiness", "Liveness"}
    assert set(re.findall(r"port: (\d+)", app.text)) == {"8088"}
    assert app.find("properties", "configuration", "ingress", "targetPort") == "8088"
    grace = app.find("properties", "template", "terminationGracePeriodSeconds")
    assert grace == "shutdownGraceSeconds + closingSeconds"
    assert re.search(
        r"name: 'VOICELIVE_SHUTDOWN_GRACE_SECONDS'\s+value: string\(shutdownGraceSeconds\)",
        app.text,
    )
    # "Maximum value is 10", says the type; a minute is what a large image may take.
    thresholds = [int(count) for count in re.findall(r"failureThreshold: (\d+)", app.text)]
    periods = [int(seconds) for seconds in re.findall(r"periodSeconds: (\d+)", app.text)]
    assert max(thresholds) <= 10
    assert thresholds[0] * periods[0] >= 60
    assert "var closingSeconds = 20" in (APPS.root.text or b"").decode()
    assert app.find("properties", "template", "scale", "minReplicas") == "minReplicas"
    assert APPS.parameters["minReplicas"] == "2"


def test_container_apps_redis_is_one_endpoint_signed_in_to_by_identity() -> None:
    """The store's scripts name several keys, so Redis must not spread them over nodes."""
    database = find(APPS, "Microsoft.Cache/redisEnterprise/databases")
    assert database.find("properties", "clusteringPolicy") == "'EnterpriseCluster'"
    assert database.find("properties", "evictionPolicy") == "'NoEviction'"
    assert database.find("properties", "clientProtocol") == "'Encrypted'"
    assert "/0?auth=entra'" in (APPS.root.text or b"").decode()
    assert "'rediss://" in (APPS.root.text or b"").decode()
    names = find(APPS, "Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments")
    assert re.fullmatch("'[A-Za-z0-9]{1,60}'", names.find("name") or "")
    assert names.find("properties", "user", "objectId") == "identity.properties.principalId"
