"""``python -m infra.image``: build the image without a container engine, and check it."""

import argparse
import sys
from pathlib import Path

from infra.image.build import STAND_IN_FOR, build
from infra.image.check import (
    CheckError,
    check_confinement,
    check_contract,
    measure_cold_start_ms,
    serve,
)
from infra.image.dockerfile import DockerfileError
from infra.image.root import RootError, find_obstacle

PROJECT = Path(__file__).parents[2]
_MIB = 1 << 20


def main() -> None:
    """Build, check, and print size and cold start last."""
    parser = argparse.ArgumentParser("python -m infra.image", description=__doc__)
    parser.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--suite", default="bookworm", help="Debian's, default bookworm")
    parser.add_argument("--directory", type=Path, default=PROJECT / "build/image")
    parser.add_argument("--build-only", action="store_true", help="do not start the server")
    options = parser.parse_args()
    if obstacle := find_obstacle():
        sys.exit(obstacle)
    arguments = dict(pair.partition("=")[::2] for pair in options.build_arg)
    log = options.directory / "server.log"
    try:
        image = build(PROJECT, options.directory, options.suite, arguments, print)
        size = f"size: {image.added_bytes / _MIB:.0f} MiB on top of its base"
        if not options.build_only:
            log.write_bytes(b"")
            cold_start_ms = measure_cold_start_ms(image, log)
            with serve(image, log) as server:
                check_confinement(image, server)
                print("contract:", check_contract(PROJECT, server))
            print("confined: not root, no capabilities, only $HOME writable; SIGTERM: exit 0")
            print(f"cold start: {cold_start_ms:.0f} ms to the first 200 of /readiness (median)")
        print(f"{size} (a Debian {options.suite} that stands for {STAND_IN_FOR})")
    except (CheckError, DockerfileError, RootError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
