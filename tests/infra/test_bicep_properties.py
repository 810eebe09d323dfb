"""infra/'s Bicep: every property is one that the management SDKs' models have, where they have it.

No Bicep compiler comes from a package registry that this project uses. The SDKs are made from the
same descriptions of Azure's resources as the compiler's types are.
"""

import importlib
import re
import types
import typing
from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra.bicep import BicepFile, Value
from tests.infra.files import ROOT

MODELS = {
    "Microsoft.Resources/resourceGroups": "azure.mgmt.resource.resources:ResourceGroup",
    "Microsoft.CognitiveServices/accounts": "azure.mgmt.cognitiveservices:Account",
    "Microsoft.CognitiveServices/accounts/deployments": "azure.mgmt.cognitiveservices:Deployment",
    "Microsoft.CognitiveServices/accounts/projects": "azure.mgmt.cognitiveservices:Project",
    "Microsoft.CognitiveServices/accounts/projects/connections": (
        "azure.mgmt.cognitiveservices:ConnectionPropertiesV2BasicResource"
    ),
    "Microsoft.ContainerRegistry/registries": "azure.mgmt.containerregistry:Registry",
    "Microsoft.Authorization/roleAssignments": (
        "azure.mgmt.authorization.v2022_04_01:RoleAssignmentCreateParameters"
    ),
    "Microsoft.Insights/components": (
        "azure.mgmt.applicationinsights.v2020_02_02:ApplicationInsightsComponent"
    ),
    "Microsoft.Insights/diagnosticSettings": (
        "azure.mgmt.monitor.v2021_05_01_preview:DiagnosticSettingsResource"
    ),
    "Microsoft.OperationalInsights/workspaces": "azure.mgmt.loganalytics:Workspace",
    "Microsoft.ManagedIdentity/userAssignedIdentities": "azure.mgmt.msi.v2024_11_30:Identity",
    "Microsoft.App/managedEnvironments": "azure.mgmt.appcontainers:ManagedEnvironment",
    "Microsoft.App/containerApps": "azure.mgmt.appcontainers:ContainerApp",
    "Microsoft.Cache/redisEnterprise": "azure.mgmt.redisenterprise:Cluster",
    "Microsoft.Cache/redisEnterprise/databases": "azure.mgmt.redisenterprise:Database",
    "Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments": (
        "azure.mgmt.redisenterprise:AccessPolicyAssignment"
    ),
}
OF_BICEP = {"name", "scope", "parent", "dependsOn", "tags"}
RESOURCES = [
    (path.stem, resource)
    for path in sorted((ROOT / "infra").rglob("*.bicep"))
    for resource in BicepFile(path).resources
    if not resource.is_existing
]


def load(name: str) -> Any:
    package, _, model = name.partition(":")
    return getattr(importlib.import_module(f"{package}.models"), model)


def unwrap(annotation: Any) -> Any:
    """The model in an optional, a list or a union of types; None where there is none."""
    for inner in typing.get_args(annotation):
        if (found := unwrap(inner)) is not None:
            return found
    known = ("_attribute_map", "_deserialize")
    return annotation if any(hasattr(annotation, name) for name in known) else None


def fields_of(model: Any) -> dict[str, Any]:
    """Names on the wire, and the type of each."""
    if hasattr(model, "_attribute_map"):
        return fields_of_flat(model)
    instance = model.__new__(model)
    hints = {
        name: hint
        for base in reversed(model.__mro__)
        if base.__module__.startswith("azure.mgmt") and "_utils" not in base.__module__
        for name, hint in typing.get_type_hints(base, namespace_of(base)).items()
    }
    return {
        field._rest_name: hints.get(name) for name, field in instance._attr_to_rest_field.items()
    }


def namespace_of(model: Any) -> dict[str, Any]:
    """What its annotations name: `_models.Something`, as types and in strings."""
    module = importlib.import_module(model.__module__)
    models = importlib.import_module(model.__module__.rpartition(".")[0])
    return {**vars(module), "_models": models}


def fields_of_flat(model: Any) -> dict[str, Any]:
    """Of an older model, whose attributes name a path: `properties.principalId`."""
    nested: dict[str, Any] = {}
    for described in model._attribute_map.values():
        *path, last = described["key"].split(".")
        level = nested
        for name in path:
            level = level.setdefault(name, {})
        module = importlib.import_module(model.__module__)
        level[last] = getattr(module, re.sub(r"[\[\]{}]", "", described["type"]), None)
    return nested


def narrow(model: Any, given: dict[str, Value]) -> Any:
    """The kind of a model that a property's value chooses, such as `authType`."""
    module = importlib.import_module(model.__module__)
    for kinds in getattr(model, "_subtype_map", {}).values():
        for literal, name in kinds.items():
            if f"'{literal}'" in given.values():
                return getattr(module, name)
    return model


def find_unknown(model: Any, given: Value, path: str) -> Iterator[str]:
    """Properties that the model lacks at this place."""
    if isinstance(given, list):
        for part in given:
            yield from find_unknown(model, part, path)
    if not isinstance(given, dict):
        return
    fields = model if isinstance(model, dict) else fields_of(narrow(model, given))
    for name, value in given.items():
        if name not in fields:
            yield f"{path}.{name}"
            continue
        inner = fields[name] if isinstance(fields[name], dict) else unwrap(fields[name])
        if inner is not None and not is_map(fields[name]):
            yield from find_unknown(inner, value, f"{path}.{name}")


def is_map(annotation: Any) -> bool:
    """Whether names in it are the author's own, as of tags and user-assigned identities."""
    options = typing.get_args(annotation) if is_union(annotation) else (annotation,)
    return any(typing.get_origin(option) is dict for option in options)


def is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def check(kind: str, body: Value) -> list[str]:
    assert isinstance(body, dict)
    given = {name: value for name, value in body.items() if name not in OF_BICEP}
    return list(find_unknown(load(MODELS[kind]), given, ""))


@pytest.mark.parametrize(
    ("file", "resource"),
    RESOURCES,
    ids=[f"{file}-{resource.symbol}" for file, resource in RESOURCES],
)
def test_every_property_is_of_the_resource(file: str, resource: Any) -> None:
    assert check(resource.kind.split("@")[0], resource.body) == []


@pytest.mark.parametrize(
    ("kind", "body", "unknown"),
    [
        ("Microsoft.App/containerApps", {"properties": {"ingress": {}}}, ".properties.ingress"),
        (
            "Microsoft.App/containerApps",
            {"properties": {"template": {"containers": [{"probes": [{"httpGet": {"url": "x"}}]}]}}},
            ".properties.template.containers.probes.httpGet.url",
        ),
        ("Microsoft.Cache/redisEnterprise", {"properties": {"evictionPolicy": "'x'"}}, "ionPolicy"),
        ("Microsoft.CognitiveServices/accounts", {"disableLocalAuth": "true"}, "LocalAuth"),
        (
            "Microsoft.CognitiveServices/accounts/projects/connections",
            {"properties": {"authType": "'ManagedIdentity'", "credentials": {"secret": "'x'"}}},
            ".properties.credentials.secret",
        ),
        (
            "Microsoft.Authorization/roleAssignments",
            {"properties": {"roleId": "'x'"}},
            ".properties.roleId",
        ),
    ],
)
def test_a_property_at_a_wrong_place_is_found(kind: str, body: Value, unknown: str) -> None:
    (found,) = check(kind, body)
    assert found.endswith(unknown)
