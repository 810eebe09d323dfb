"""SBOM: ``python -m infra.sbom`` writes which packages each image holds, and under which licence.

``build/sbom/agent.cdx.json`` and ``model.cdx.json`` are CycloneDX 1.6, in one order and without a
time, so that two of them can be compared. The packages of the base image are its publisher's to
tell: its name and digest stand as the component that the image is built on.
"""

import json
import re
import sys
from email.message import Message
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import cast

from cyclonedx.contrib.hash.factories import HashTypeFactory
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from infra.dependencies import IN_IMAGES, find_licence
from infra.locks import OWN, Pin, read_locks
from voicelive_agent import __version__

PROJECT = Path(__file__).parents[1]
FOLDER = PROJECT / "build/sbom"


def list_components(pins: list[Pin]) -> list[Component]:
    """The packages of an image, without those of other platforms than this machine's."""
    return [make_component(pin) for pin in sorted(pins, key=lambda pin: pin.name) if pin.applies()]


def make_component(pin: Pin) -> Component:
    try:
        told = cast(Message, metadata(pin.name))
    except PackageNotFoundError:
        told = None
    licence = " ".join(find_licence(told).split()) if told else ""
    purl = PackageURL("pypi", name=pin.name, version=pin.version)
    return Component(
        name=pin.name,
        version=pin.version,
        type=ComponentType.LIBRARY,
        purl=purl,
        bom_ref=purl.to_string(),
        licenses=[LicenseFactory().make_from_string(licence)] if licence else None,
    )


def read_base(dockerfile: str) -> Component:
    """The image that the Dockerfile stands on."""
    found = re.search(r"^FROM (\S+?):(\S+?)@sha256:([0-9a-f]{64})", dockerfile, re.M)
    if found is None:
        raise ValueError("Dockerfile: FROM names no image with a tag and a digest")
    name, tag, digest = found.groups()
    purl = PackageURL("oci", name=name, version=f"sha256:{digest}", qualifiers={"tag": tag})
    return Component(
        name=name,
        version=tag,
        type=ComponentType.CONTAINER,
        hashes=[HashTypeFactory().from_hashlib_alg("sha256", digest)],
        purl=purl,
        bom_ref=purl.to_string(),
    )


def make_sbom(name: str, pins: list[Pin], dockerfile: str) -> str:
    """One image's SBOM as JSON."""
    image = Component(
        name=f"{OWN}-{name}", version=__version__, type=ComponentType.CONTAINER, bom_ref=name
    )
    components = [read_base(dockerfile), *list_components(pins)]
    bom = Bom(components=components)
    bom.metadata.component = image
    bom.register_dependency(image, components)
    told = json.loads(JsonV1Dot6(bom).output_as_string())
    del told["serialNumber"], told["metadata"]["timestamp"]
    return json.dumps(told, indent=1, sort_keys=True) + "\n"


def main() -> int:
    problems: list[str] = []
    locks = read_locks(PROJECT, problems)
    dockerfile = (PROJECT / "Dockerfile").read_text()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in IN_IMAGES:
        path = FOLDER / f"{name}.cdx.json"
        path.write_text(make_sbom(name, locks[name], dockerfile))
        count = len(list_components(locks[name]))
        print(f"{path.relative_to(PROJECT)}: {count} packages on their base image")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
