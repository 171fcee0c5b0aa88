"""
Fetching published weights, verifying them, and writing them into SeisBench's cache.

A file is fetched into memory and verified before anything is written, and files in the
cache are replaced atomically. An interruption therefore leaves the cache unchanged.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from importlib.resources import files
from pathlib import Path

from filelock import FileLock

from .._util import ArgumentError, replacing_together
from .registry import WEIGHT_SETS, WeightSet

MIRROR_VARIABLE = "SEISBENCH_DITING_MIRROR"

#: Folder of the files that are part of this package.
BUNDLED = Path(str(files(__package__))) / "bundled"

#: Largest size of a published file; larger files are skipped.
MAX_BYTES = 64 * 1024**2

#: Seconds without any answer after which a source is given up.
TIMEOUT_S = 30.0


class WeightsError(RuntimeError):
    """A weight set could not be fetched, or not be written into the cache."""


def read_set(entry: WeightSet) -> bytes:
    """
    Reads the file of a weight set, verified.

    Bundled sets are read from this package, without network. For others the sources are
    tried in this order: the folder or http(s) URL in the environment variable
    ``SEISBENCH_DITING_MIRROR``, then the URL of the entry.

    :param entry: The weight set
    :raises WeightsError: if no source gives the file
    :return: The whole file
    """
    mirror = os.environ.get(MIRROR_VARIABLE, "").strip().rstrip("/")
    sources = [entry.url] if entry.url else [str(BUNDLED / entry.file)]
    if mirror and entry.url:
        sources.insert(0, f"{mirror}/{entry.file}")
    reasons = []
    for source in sources:
        try:
            content = _read(source)
            entry.check(content)
            return content
        # The libraries for the network raise errors of their own kinds.
        except Exception as error:
            reason = f"{source}: {type(error).__name__}: {error}"
            # Without the user and password of a URL.
            reasons.append(re.sub(r"//[^/@\s]*@", "//", reason))
            if source != sources[-1]:
                logging.getLogger("seisbench").warning(reasons[-1])
    tried = "".join(f"\n  {reason}" for reason in reasons)
    raise WeightsError(
        f"The weights {entry.title} could not be fetched. Tried:{tried}\n"
        f"Set {MIRROR_VARIABLE} to a folder or URL that holds "
        f"{entry.file}, or copy that file by hand and run "
        "`seisbench-diting weights import FOLDER`."
    )


def _read(source: str) -> bytes:
    if not source.startswith(("http://", "https://")):
        return Path(source).expanduser().read_bytes()
    # Here, as most calls find the weights in the cache.
    from pooch import HTTPDownloader

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights"
        download = HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=TIMEOUT_S)
        download(source, str(path), None)
        return path.read_bytes()


def install(
    entry: WeightSet,
    model_path: Path,
    write: Callable[[Path, bytes], None],
    *,
    content: bytes | None = None,
    force: bool = False,
    wait_for_file: bool = False,
) -> None:
    """
    Makes sure that a weight set lies in a model's folder of SeisBench's cache.

    Any number of processes may do so at once.

    :param entry: The weight set
    :param model_path: The model's folder in the cache; made if missing
    :param write: Called with a path and the verified content of the published file. It
        must write ``<path>.pt.v<version>`` and ``<path>.json.v<version>``, as
        ``model.save(path, version_str=version)`` does.
    :param content: The published file, where it is at hand already; None to fetch it
    :param force: If true, fetches and writes also where the set is there already
    :param wait_for_file: If true, waits for another process that installs the set with
        this option, instead of fetching it a second time
    :raises ValueError: if the content given is not that of the set
    :raises WeightsError: if the set can't be fetched or not be written. The former files
        are still there then.
    """
    # SeisBench finds a set by its .json, which is replaced last: the first one here.
    endings = (f"json.v{entry.version}", f"pt.v{entry.version}")
    paths = [model_path / f"{entry.name}.{ending}" for ending in endings]
    if not force and all(path.is_file() for path in paths):
        return
    try:
        model_path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(model_path / f".{entry.name}.lock")
        with lock if wait_for_file else nullcontext():
            if not force and all(path.is_file() for path in paths):
                return
            if content is None:
                content = read_set(entry)
            entry.check(content)
            with replacing_together(paths) as new:
                write(new[paths[0]].with_name(entry.name), content)
    except WeightsError:
        raise
    # PyTorch reports a full disk as a RuntimeError.
    except (OSError, RuntimeError) as error:
        raise WeightsError(
            f"The weights {entry.title} could not be written to {model_path}: "
            f"{type(error).__name__}: {error}. Make room there or repair the folder's "
            "permissions, or set SEISBENCH_CACHE_ROOT to another folder."
        ) from error


def find_in_folder(
    folder: Path,
) -> tuple[dict[WeightSet, Path], dict[Path, WeightSet]]:
    """
    Finds published weight files by their content.

    :param folder: The folder, searched with all folders below it
    :raises ValueError: if the folder does not exist
    :return: Sets with a file that holds them, whatever its name; and files that have the
        name of a set's file, but other content
    """
    if not folder.is_dir():
        file = WEIGHT_SETS[0].file
        reason = f"name a folder that holds published files such as {file}"
        raise ArgumentError("folder", str(folder), reason)
    found: dict[WeightSet, Path] = {}
    others: dict[Path, WeightSet] = {}
    for path in sorted(folder.rglob("*")):
        # Not every name is a file that can be read to its end: pipes, devices.
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            continue
        try:
            content = path.read_bytes()
        except OSError:
            content = b""
        matching = [entry for entry in WEIGHT_SETS if entry.matches(content)]
        for entry in matching:
            found.setdefault(entry, path)
        if not matching:
            others.update((path, e) for e in WEIGHT_SETS if e.file == path.name)
    return found, others
