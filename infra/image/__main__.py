"""``python -m infra.image``: build the image without a container engine, and judge it."""

import argparse
import sys
from pathlib import Path

from infra.debian import SUITE, DebianError, find_obstacle
from infra.image.build import Image, build, find_base
from infra.image.check import (
    CheckError,
    check_confinement,
    check_contract,
    check_homes,
    measure_cold_start_ms,
    serve,
)

PROJECT = Path(__file__).parents[2]
_MIB = 1 << 20


def main() -> None:
    """Build, check, and print size and cold start last."""
    parser = argparse.ArgumentParser("python -m infra.image", description=__doc__)
    parser.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--build-only", action="store_true", help="do not start the server")
    options = parser.parse_args()
    if obstacle := find_obstacle():
        sys.exit(obstacle)
    arguments = dict(pair.partition("=")[::2] for pair in options.build_arg)
    base = find_base((PROJECT / "Dockerfile").read_text()).partition("@")[0]
    print(f"building on a clean Debian {SUITE}, which stands for {base} ...", flush=True)
    try:
        with build(PROJECT, arguments) as image:
            if not options.build_only:
                judge(image)
            print(f"size: {image.added_bytes / _MIB:.0f} MiB on top of its base")
    except (CheckError, DebianError) as error:
        sys.exit(str(error))


def judge(image: Image) -> None:
    """All checks of a built image. Raises CheckError."""
    log = PROJECT / "build/image.log"
    log.parent.mkdir(exist_ok=True)
    log.write_bytes(b"")
    cold_start_ms = measure_cold_start_ms(image, log)
    with serve(image, log) as server:
        check_confinement(image, server)
        print("contract:", check_contract(PROJECT, server))
    print("confined: not root, no capabilities, only $HOME writable; SIGTERM: exit 0")
    check_homes(image, log)
    print("serves from memory, and says so, where $HOME is root's, full or absent")
    print(f"cold start: {cold_start_ms:.0f} ms to the first 200 of /readiness (median)")


if __name__ == "__main__":
    main()
