"""The SBOM of the images."""

import json

import pytest

from infra.locks import read_pins
from infra.sbom import make_sbom, read_base
from tests.infra.files import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("name", ["agent", "model"])
def test_lists_the_packages_of_the_image_and_its_base(name: str) -> None:
    pins = [pin for pin in read_pins(ROOT / f"requirements/{name}.txt", []) if pin.applies()]
    told = json.loads(make_sbom(name, pins, DOCKERFILE))
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    components = {each["purl"]: each for each in told["components"]}
    base = read_base(DOCKERFILE)
    assert base.purl
    assert components.keys() == {
        base.purl.to_string(),
        *(f"pkg:pypi/{pin.name}@{pin.version}" for pin in pins),
    }
    libraries = [each for each in components.values() if each["type"] == "library"]
    assert [each["name"] for each in libraries if not each.get("licenses")] == []


def test_the_same_image_has_the_same_sbom() -> None:
    pins = read_pins(ROOT / "requirements/agent.txt", [])
    assert make_sbom("agent", pins, DOCKERFILE) == make_sbom("agent", pins[::-1], DOCKERFILE)


def test_a_base_by_tag_alone_is_told() -> None:
    with pytest.raises(ValueError, match="digest"):
        read_base("FROM python:3.13-slim\n")
