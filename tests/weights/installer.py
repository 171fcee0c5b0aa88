"""
Installs one made-up weight set: what the tests of two processes and of kills run.

Run as a script with one JSON argument: ``content`` (its length), ``url``, ``folder``,
``wait_for_file``, ``write_seconds``, ``file_limit`` (bytes, or null).
"""

import dataclasses
import hashlib
import importlib.util
import json
import sys
import time
import types
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seisbench_diting.weights import WeightSet

DEAD_URL = "http://127.0.0.1:9/published.pt"
"""The discard port: nobody listens there."""


def made_up_content(size: int) -> bytes:
    """Bytes that differ from place to place, so that a mixed-up file shows."""
    return b"".join(b"%08d" % number for number in range(size // 8 + 1))[:size]


def made_up_set(content: bytes, **changes: object) -> "WeightSet":
    """A weight set of which the published file is ``content``, found nowhere."""
    from seisbench_diting.weights import find_set

    return dataclasses.replace(
        find_set("LPPNM", "csn"),
        url=changes.pop("url", DEAD_URL),
        sha256=changes.pop("sha256", hashlib.sha256(content).hexdigest()),
        git_blob=hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(),
        size=changes.pop("size", len(content)),
        **changes,
    )


def write_pair(path: Path, content: bytes) -> None:
    """Stand in for the conversion into SeisBench's format."""
    path.with_name(f"{path.name}.pt.v1").write_bytes(content)
    path.with_name(f"{path.name}.json.v1").write_text(json.dumps({"version": "1"}))


def _stand_in_for_the_package() -> None:
    """Importing the whole package loads torch, which takes seconds a process."""
    spec = importlib.util.find_spec("seisbench_diting")
    package = types.ModuleType("seisbench_diting")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["seisbench_diting"] = package


def main() -> None:
    _stand_in_for_the_package()
    from seisbench_diting.weights import WeightsError, install

    task = json.loads(sys.argv[1])
    content = made_up_content(task["content"])
    if task["file_limit"] is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (task["file_limit"],) * 2)

    def write(path: Path, content: bytes) -> None:
        half = len(content) // 2
        path.with_name(f"{path.name}.pt.v1").write_bytes(content[:half])
        print("writing", flush=True)
        time.sleep(task["write_seconds"])
        write_pair(path, content)

    try:
        install(
            made_up_set(content, url=task["url"]),
            Path(task["folder"]),
            write,
            wait_for_file=task["wait_for_file"],
            timeout=5,
        )
    except WeightsError as error:
        print(f"WeightsError: {error}")
    else:
        print("installed")


if __name__ == "__main__":
    main()
