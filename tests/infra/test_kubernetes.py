"""infra/kubernetes: valid by Kubernetes' own schemas, and right about the server."""

import asyncio
import os
import re
import shutil
import subprocess
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, ConnectionError

from tests.infra.files import ROOT, read_dockerfile
from voicelive_agent import __version__
from voicelive_agent.listening import find_free_port
from voicelive_agent.server.settings import Settings
from voicelive_agent.settings_sources import variables_of

FOLDER = ROOT / "infra/kubernetes"
VERSION = "1.33"
CLOSING_SECONDS = 10


def read_all() -> dict[tuple[str, str], dict[str, Any]]:
    """Every object by kind and name; of the secret, its example."""
    return {
        (document["kind"], document["metadata"]["name"]): document
        for path in sorted(FOLDER.glob("*.yaml"))
        if path.name not in ("kustomization.yaml", "secret.yaml")
        for document in yaml.safe_load_all(path.read_text())
    }


OBJECTS = read_all()
NAME = "voicelive-agent"
DEPLOYMENT = OBJECTS["Deployment", NAME]
POD = DEPLOYMENT["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
LABELS = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
WORKLOADS = [DEPLOYMENT, OBJECTS["StatefulSet", "redis"]]


@pytest.mark.parametrize("key", OBJECTS, ids="-".join)
def test_is_valid_by_the_schema(key: tuple[str, str]) -> None:
    kubernetes_validate.validate(OBJECTS[key], VERSION, strict=True)


def test_the_schema_finds_errors() -> None:
    broken = {**OBJECTS["Service", NAME], "spec": {"port": 80}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSION, strict=True)


@pytest.mark.component
@pytest.mark.skipif(
    shutil.which("kubectl") is None and os.environ.get("CI") != "true",
    reason="no kubectl: apt-get install kubernetes-client",
)
def test_what_kubectl_renders_is_valid_and_names_the_pushed_image(tmp_path: Path) -> None:
    """As `kubectl apply -k` sends it, with the secret made as the page says."""
    folder = shutil.copytree(FOLDER, tmp_path / "kubernetes")
    shutil.copy(folder / "secret.example.yaml", folder / "secret.yaml")
    done = subprocess.run(
        ["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=True
    )
    rendered = list(yaml.safe_load_all(done.stdout))
    assert len(rendered) == len(OBJECTS)
    for document in rendered:
        kubernetes_validate.validate(document, VERSION, strict=True)
        if document["kind"] != "Namespace":
            assert document["metadata"]["namespace"] == NAME
    (deployment,) = [document for document in rendered if document["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"registry.example.com/voicelive-agent:{__version__}"


def test_pods_reach_no_link_local_address() -> None:
    """Egress was open to anything, the node's metadata service and its credentials included."""
    rules = OBJECTS["NetworkPolicy", NAME]["spec"]["egress"]
    blocks = [to["ipBlock"] for rule in rules for to in rule["to"] if "ipBlock" in to]
    refused = [ip_network(network) for block in blocks for network in block.get("except", ())]
    for address in ("169.254.169.254", "169.254.170.2", "10.0.0.1", "192.168.0.1"):
        assert any(ip_address(address) in network for network in refused)
    for address in ("fe80::1", "fd00:ec2::254", "::1"):
        networks = [ip_network(block["cidr"]) for block in blocks]
        assert not any(ip_address(address) in net for net in networks if net.version == 6)
    assert all("ports" in rule for rule in rules if any("ipBlock" in to for to in rule["to"]))
    assert OBJECTS["NetworkPolicy", "redis"]["spec"]["egress"] == []


def test_kustomization_names_every_file() -> None:
    kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    files = {path.name for path in FOLDER.glob("*.yaml")}
    files = (files - {"kustomization.yaml", "secret.example.yaml"}) | {"secret.yaml"}
    assert set(kustomization["resources"]) == files
    assert kustomization["namespace"] == OBJECTS["Namespace", NAME]["metadata"]["name"]
    (image,) = kustomization["images"]
    assert image["name"] == CONTAINER["image"]
    assert image["newTag"] == __version__


def test_secrets_are_not_tracked() -> None:
    assert "secret.yaml" in (FOLDER / ".gitignore").read_text().splitlines()
    values = OBJECTS["Secret", NAME]["stringData"]
    assert all("replace-me" in value for value in values.values())


def test_selectors_match_the_pods() -> None:
    budget = OBJECTS["PodDisruptionBudget", NAME]["spec"]["selector"]["matchLabels"]
    policy = OBJECTS["NetworkPolicy", NAME]["spec"]["podSelector"]["matchLabels"]
    spread = POD["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"]
    service = OBJECTS["Service", NAME]["spec"]["selector"]
    selector = DEPLOYMENT["spec"]["selector"]["matchLabels"]
    for chosen in (budget, policy, spread, service, selector):
        assert chosen
        assert chosen.items() <= LABELS.items()
    redis = OBJECTS["StatefulSet", "redis"]["spec"]
    redis_labels = redis["template"]["metadata"]["labels"].items()
    assert redis["selector"]["matchLabels"].items() <= redis_labels
    assert OBJECTS["Service", "redis"]["spec"]["selector"].items() <= redis_labels
    assert redis["serviceName"] == "redis"
    allowed = OBJECTS["NetworkPolicy", "redis"]["spec"]["ingress"][0]["from"]
    assert allowed == [{"podSelector": {"matchLabels": LABELS}}]
    assert not redis_labels <= LABELS.items()


def test_the_pod_outlives_the_drain() -> None:
    configured = OBJECTS["ConfigMap", NAME]["data"]["VOICELIVE_SHUTDOWN_GRACE_SECONDS"]
    (sleep, seconds) = CONTAINER["lifecycle"]["preStop"]["exec"]["command"]
    assert sleep == "sleep"
    needed = float(configured) + float(seconds) + CLOSING_SECONDS
    assert POD["terminationGracePeriodSeconds"] > needed


def test_load_balancers_stop_before_the_server_does() -> None:
    """A pod that gets SIGTERM is still sent turns until its endpoint is gone from every node."""
    assert int(CONTAINER["lifecycle"]["preStop"]["exec"]["command"][1]) >= 3
    rolling = DEPLOYMENT["spec"]["strategy"]["rollingUpdate"]
    assert rolling == {"maxSurge": 1, "maxUnavailable": 0}


def test_probes_ask_what_the_server_answers() -> None:
    (port,) = CONTAINER["ports"]
    assert port == {"name": "http", "containerPort": Settings.model_fields["port"].default}
    assert CONTAINER["readinessProbe"]["httpGet"] == {"path": "/readiness", "port": "http"}
    # Readiness is 503 while draining and without Redis; neither may kill the pod.
    for probe in ("startupProbe", "livenessProbe"):
        assert CONTAINER[probe]["tcpSocket"] == {"port": "http"}
    assert OBJECTS["Service", NAME]["spec"]["ports"][0]["targetPort"] == "http"
    policy = OBJECTS["NetworkPolicy", NAME]["spec"]["ingress"][0]
    assert policy["ports"] == [{"port": port["containerPort"]}]


def test_pods_have_no_more_rights_than_needed() -> None:
    for workload in WORKLOADS:
        pod = workload["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert "memory" in container["resources"]["limits"]
            assert "cpu" in container["resources"]["requests"]


def test_agrees_with_the_image() -> None:
    image = read_dockerfile()
    assert POD["securityContext"]["runAsUser"] == int(image.user)
    (mount,) = CONTAINER["volumeMounts"]
    assert mount["mountPath"] == image.home
    assert POD["volumes"][0]["name"] == mount["name"]
    assert "emptyDir" in POD["volumes"][0]
    assert "command" not in CONTAINER
    assert [image.port] == [port["containerPort"] for port in CONTAINER["ports"]]


def test_settings_exist_and_are_valid() -> None:
    data = OBJECTS["ConfigMap", NAME]["data"]
    secrets = OBJECTS["Secret", NAME]["stringData"]
    assert data.keys() <= variables_of(Settings).keys()
    Settings.model_validate({variables_of(Settings)[name]: value for name, value in data.items()})
    referred = [
        variable["valueFrom"]["secretKeyRef"]
        for workload in WORKLOADS
        for container in workload["spec"]["template"]["spec"]["containers"]
        for variable in container["env"]
        if "secretKeyRef" in variable.get("valueFrom", {})
    ]
    assert {reference["key"] for reference in referred} == secrets.keys()
    assert {reference["name"] for reference in referred} == {NAME}
    assert CONTAINER["envFrom"] == [{"configMapRef": {"name": NAME}}]


def test_conversations_are_in_the_redis_that_is_there() -> None:
    secrets = OBJECTS["Secret", NAME]["stringData"]
    port = OBJECTS["Service", "redis"]["spec"]["ports"][0]["port"]
    assert (
        secrets["VOICELIVE_CONVERSATIONS"] == f"redis://:{secrets['REDIS_PASSWORD']}@redis:{port}/0"
    )
    arguments = OBJECTS["StatefulSet", "redis"]["spec"]["template"]["spec"]["containers"][0]
    assert "--maxmemory-policy noeviction" in arguments["args"][0]
    assert "--appendonly yes" in arguments["args"][0]
    assert re.fullmatch(r"redis:7[.\w]*-alpine@sha256:[0-9a-f]{64}", arguments["image"])


def test_scales_by_running_turns_with_cpu_beside_it() -> None:
    scaler = OBJECTS["HorizontalPodAutoscaler", NAME]["spec"]
    assert scaler["scaleTargetRef"]["name"] == DEPLOYMENT["metadata"]["name"]
    assert "replicas" not in DEPLOYMENT["spec"]
    assert scaler["minReplicas"] >= 2
    turns, cpu = scaler["metrics"]
    # Prometheus has underscores where OpenTelemetry has dots.
    assert turns["pods"]["metric"]["name"] == "voicelive_agent_streams_active"
    assert (
        '"voicelive_agent.streams.active"'
        in (ROOT / "voicelive_agent/server/platform/telemetry/spans.py").read_text()
    )
    # A pod's turns have to fit in what one server takes.
    limit = Settings.model_fields["max_active_turns"].default
    assert int(turns["pods"]["target"]["averageValue"]) < limit
    assert cpu["resource"]["name"] == "cpu"
    assert CONTAINER["resources"]["requests"]["cpu"]


def test_the_budget_lets_nodes_be_drained_one_pod_at_a_time() -> None:
    budget = OBJECTS["PodDisruptionBudget", NAME]["spec"]
    scaler = OBJECTS["HorizontalPodAutoscaler", NAME]["spec"]
    assert budget["maxUnavailable"] == 1 < scaler["minReplicas"]


@pytest.mark.component
@pytest.mark.skipif(
    shutil.which("redis-server") is None and os.environ.get("CI") != "true",
    reason="no redis-server: apt-get install redis-server",
)
async def test_redis_starts_as_the_manifest_says(tmp_path: Path) -> None:
    """Its command line is one that Redis takes, and means what the server relies on."""
    (container,) = OBJECTS["StatefulSet", "redis"]["spec"]["template"]["spec"]["containers"]
    port = find_free_port()
    line = container["args"][0].replace("/data", str(tmp_path))
    process = await asyncio.create_subprocess_exec(
        *container["command"],
        f"{line} --port {port} --bind 127.0.0.1",
        env={"PATH": os.environ["PATH"], "REDIS_PASSWORD": "s3cret"},
        stdout=asyncio.subprocess.DEVNULL,
    )
    redis = Redis(port=port, password="s3cret", decode_responses=True)
    try:
        async with asyncio.timeout(30):
            while True:
                try:
                    assert await redis.config_get("maxmemory-policy", "appendonly") == {
                        "maxmemory-policy": "noeviction",
                        "appendonly": "yes",
                    }
                    break
                except ConnectionError:
                    await asyncio.sleep(0.05)
        with pytest.raises(AuthenticationError):
            await Redis(port=port).config_get("port")
        assert (tmp_path / "appendonlydir").is_dir()
    finally:
        await redis.aclose()
        process.terminate()
        await process.wait()
