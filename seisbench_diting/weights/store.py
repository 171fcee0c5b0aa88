"""
Fetching published weights, verifying them, and writing them into SeisBench's cache.

A file is fetched into memory and verified before anything is written, and what is
written becomes visible only when it is whole. So an interruption at any moment leaves
the cache as it was.
"""

import contextlib
import os
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import seisbench

from .registry import WEIGHT_SETS, ChecksumError, WeightSet

MIRROR_VARIABLE = "SEISBENCH_DITING_MIRROR"

#: Folder of the files that are part of this package.
BUNDLED = files(__package__) / "bundled"

#: No published file is larger; nothing above is read.
MAX_BYTES = 64 * 1024**2

_MAX_CONNECT_SECONDS = 10.0
_DEADLINE_IN_TIMEOUTS = 20
_CHUNK_BYTES = 8192

_TEMPORARY_PREFIX = ".install-"
_STALE_SECONDS = 3600.0


class WeightsError(RuntimeError):
    """A weight set could not be fetched, or not be written into the cache."""


class _SourceError(Exception):
    """Why one source does not give a file."""


def read_set(entry: WeightSet, timeout: float = 30.0, progress: bool = True) -> bytes:
    """
    Read the file of a weight set, verified.

    Bundled sets are read from this package, without network. For others the sources are
    tried in this order: the folder or http(s) URL in the environment variable
    ``SEISBENCH_DITING_MIRROR``, then the URL of the entry.

    :param entry: The weight set.
    :param timeout: Seconds without any answer after which a source is given up. A
                    source is also given up after 20 times as long in total.
    :param progress: If true, show a progress bar where stderr is a terminal.
    :return: The whole file.
    :raises WeightsError: If no source gives the file.
    """
    if entry.bundled:
        return _read_bundled(entry)
    mirror = os.environ.get(MIRROR_VARIABLE, "").strip()
    reasons = []
    if mirror:
        try:
            return _read_mirror(entry, mirror, timeout, progress)
        except _SourceError as error:
            reasons.append(f"{_without_password(mirror)}: {error}")
            seisbench.logger.warning(
                f"{MIRROR_VARIABLE} does not give {entry.title}: {reasons[0]}"
            )
    try:
        return _read_url(entry, entry.url, timeout, progress)
    except _SourceError as error:
        reasons.append(f"{entry.url}: {error}")

    tried = "".join(f"\n  {reason}" for reason in reasons)
    raise WeightsError(
        f"The weights {entry.title} could not be fetched. Tried:{tried}\n"
        f"Two ways out: set {MIRROR_VARIABLE} to a folder or URL that holds "
        f"{entry.file}, or copy that file by hand and run "
        "`seisbench-diting weights import FOLDER`."
    )


def install(
    entry: WeightSet,
    model_path: Path,
    write: Callable[[Path, bytes], None],
    *,
    content: bytes | None = None,
    force: bool = False,
    wait_for_file: bool = False,
    timeout: float = 30.0,
    progress: bool = True,
) -> None:
    """
    Make sure that a weight set lies in a model's folder of SeisBench's cache.

    Any number of processes may do so at once.

    :param entry: The weight set.
    :param model_path: The model's folder in the cache; made if missing.
    :param write: Called with a path and the verified content of the published file.
                  It must leave ``<path>.pt.v<version>`` and ``<path>.json.v<version>``,
                  which is what ``model.save(path, version_str=version)`` does.
    :param content: The published file, where it is at hand already; None to fetch it.
    :param force: If true, fetch and write also where the set is there already.
    :param wait_for_file: If true, wait for another process that installs the set
                          with this option, instead of fetching it a second time.
    :param timeout: See :py:func:`read_set`.
    :param progress: See :py:func:`read_set`.
    :raises ChecksumError: If the content given is not that of the set.
    :raises WeightsError: If the set cannot be fetched or not be written. What was in
                          the folder before is still there then.
    """
    if not force and _is_installed(entry, model_path):
        return
    with contextlib.ExitStack() as stack:
        with _disk_errors(entry, model_path):
            model_path.mkdir(parents=True, exist_ok=True)
            if wait_for_file:
                # Here, as only few need it.
                from filelock import FileLock

                stack.enter_context(FileLock(model_path / f".{entry.name}.lock"))
                if not force and _is_installed(entry, model_path):
                    return
        if content is None:
            content = read_set(entry, timeout, progress)
        else:
            entry.check(content)
        with _disk_errors(entry, model_path):
            _remove_stale(model_path)
            _write_whole(entry, model_path, write, content)


@dataclass(frozen=True)
class FolderContents:
    """
    What a folder holds of the published weights.

    :param matching: Sets that are there, each with a file that holds it, whatever the
                     name of that file.
    :param damaged: Sets of which the folder holds a file with the right name but other
                    content: damaged, unreadable, or a different file.
    """

    matching: list[tuple[WeightSet, Path]]
    damaged: list[tuple[WeightSet, Path]]


def find_in_folder(folder: Path) -> FolderContents:
    """
    Find published weight files below a folder by their content.

    Files above 64 MiB and links that lead out of the folder are not read.

    :param folder: The folder, searched with all folders below it.
    :return: The sets found, and the files that only carry a set's name.
    :raises NotADirectoryError: If there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise NotADirectoryError(
            f"folder={str(folder)!r} is not a folder; give one that holds published "
            f"files such as {WEIGHT_SETS[0].file!r}"
        )
    matching: dict[WeightSet, Path] = {}
    damaged: list[tuple[WeightSet, Path]] = []
    for path in _files_below(folder):
        found = _sets_in(path)
        for entry in found:
            matching.setdefault(entry, path)
        if not found:
            damaged += [
                (entry, path) for entry in WEIGHT_SETS if entry.file == path.name
            ]
    return FolderContents(list(matching.items()), damaged)


def _paths(entry: WeightSet, folder: Path) -> tuple[Path, Path]:
    """The two files of a set in the order in which they must appear."""
    return (
        folder / f"{entry.name}.pt.v{entry.version}",
        folder / f"{entry.name}.json.v{entry.version}",
    )


def _is_installed(entry: WeightSet, model_path: Path) -> bool:
    return all(path.is_file() for path in _paths(entry, model_path))


@contextlib.contextmanager
def _disk_errors(entry: WeightSet, model_path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError) as error:
        # torch reports a full disk as a RuntimeError.
        raise WeightsError(
            f"The weights {entry.title} could not be written to {model_path}: "
            f"{type(error).__name__}: {error}. Make room there or repair the folder's "
            "permissions, or set SEISBENCH_CACHE_ROOT to another folder."
        ) from error


def _write_whole(
    entry: WeightSet,
    model_path: Path,
    write: Callable[[Path, bytes], None],
    content: bytes,
) -> None:
    # Beside the target, as a replacement is atomic only within one file system.
    temporary = Path(tempfile.mkdtemp(prefix=_TEMPORARY_PREFIX, dir=model_path))
    try:
        write(temporary / entry.name, content)
        written = _paths(entry, temporary)
        for path in written:
            _sync(path)
        # Two replacements are not atomic as a pair, but any mixture of an old and a
        # new pair is right: both hold the same network, as both come from content of
        # one checksum. The .json, by which SeisBench finds a set, comes last.
        for source, target in zip(written, _paths(entry, model_path), strict=True):
            os.replace(source, target)
        if os.name == "posix":
            _sync(model_path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _sync(path: Path) -> None:
    # Windows syncs only what is open for writing, and folders open only for reading.
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_stale(model_path: Path) -> None:
    """Remove what killed processes left, but nothing that may still be in use."""
    for path in model_path.glob(f"{_TEMPORARY_PREFIX}*"):
        # Another process may remove the same folder.
        with contextlib.suppress(OSError):
            status = path.lstat()
            old = time.time() - status.st_mtime > _STALE_SECONDS
            if old and stat.S_ISDIR(status.st_mode):
                shutil.rmtree(path, ignore_errors=True)


def _read_bundled(entry: WeightSet) -> bytes:
    try:
        content = BUNDLED.joinpath(entry.file).read_bytes()
        return _checked(entry, content)
    except (OSError, _SourceError) as error:
        raise WeightsError(
            f"The weights {entry.title}, which are part of this package, can't be read: "
            f"{error}. Install seisbench-diting again."
        ) from error


def _read_mirror(
    entry: WeightSet, mirror: str, timeout: float, progress: bool
) -> bytes:
    if mirror.lower().startswith(("http://", "https://")):
        return _read_url(entry, f"{mirror.rstrip('/')}/{entry.file}", timeout, progress)
    folder = Path(mirror).expanduser()
    path = folder / entry.file
    try:
        if not folder.is_dir():
            raise _SourceError("it is neither a folder nor an http(s) URL")
        if not path.is_file():
            raise _SourceError(f"the folder has no file {entry.file}")
        _check_size(entry, path.stat().st_size)
        return _checked(entry, path.read_bytes())
    except OSError as error:
        raise _SourceError(str(error)) from error


def _read_url(entry: WeightSet, url: str, timeout: float, progress: bool) -> bytes:
    """
    Fetch one URL within the total time.

    The time is kept from outside, in a thread of its own: a server that sends a byte
    now and then passes every timeout of a socket, in the headers as well as later.
    """
    # Here, as most calls find the weights in the cache.
    from tqdm import tqdm

    future: Future[bytes] = Future()
    abandoned = threading.Event()
    # disable=None: only where stderr is a terminal.
    bar = tqdm(
        total=entry.size,
        desc=f"Downloading {entry.title}",
        unit="B",
        unit_scale=True,
        disable=None if progress else True,
    )

    def advance(count: int) -> None:
        if abandoned.is_set():
            raise _SourceError("given up")
        bar.update(count)

    def work() -> None:
        try:
            future.set_result(_stream(entry, url, timeout, advance))
        except BaseException as error:
            future.set_exception(error)

    deadline = _DEADLINE_IN_TIMEOUTS * timeout
    with bar:
        # A daemon, as an abandoned download must not hold back the program's end.
        threading.Thread(target=work, daemon=True).start()
        try:
            content = future.result(deadline)
        except FutureTimeoutError as error:
            raise _SourceError(f"not complete after {deadline:g} s") from error
        finally:
            abandoned.set()
    return _checked(entry, content)


def _stream(
    entry: WeightSet, url: str, timeout: float, advance: Callable[[int], None]
) -> bytes:
    import requests

    content = bytearray()
    try:
        with requests.get(
            url,
            stream=True,
            timeout=(min(timeout, _MAX_CONNECT_SECONDS), timeout),
            # Otherwise the announced length is that of compressed content.
            headers={"Accept-Encoding": "identity"},
        ) as response:
            if response.status_code != 200:
                raise _SourceError(f"HTTP {response.status_code} {response.reason}")
            announced = response.headers.get("Content-Length", "")
            if announced.isdecimal():
                _check_size(entry, int(announced))
            for chunk in response.iter_content(_CHUNK_BYTES):
                content += chunk
                if len(content) > _limit(entry):
                    raise _SourceError(f"more than {_limit(entry)} bytes")
                advance(len(chunk))
    except requests.Timeout as error:
        raise _SourceError(f"no answer within {timeout:g} s") from error
    except requests.ConnectionError as error:
        # Its text is that of three libraries in one another, a timeout among them.
        timed_out = "timed out" in str(error)
        raise _SourceError(
            f"timed out: no answer within {timeout:g} s"
            if timed_out
            else "the connection failed or broke off"
        ) from error
    except (requests.RequestException, OSError, ValueError) as error:
        raise _SourceError(f"{type(error).__name__}: {error}") from error
    if announced.isdecimal() and len(content) < int(announced):
        raise _SourceError(f"ended after {len(content)} of {announced} bytes")
    return bytes(content)


def _limit(entry: WeightSet) -> int:
    return MAX_BYTES if entry.size is None else entry.size


def _check_size(entry: WeightSet, size: int) -> None:
    if entry.size is not None and size != entry.size:
        raise _SourceError(f"{size} bytes instead of {entry.size}")
    if size > _limit(entry):
        raise _SourceError(f"{size} bytes, at most {MAX_BYTES} are read")


def _checked(entry: WeightSet, content: bytes) -> bytes:
    try:
        entry.check(content)
    except ChecksumError as error:
        raise _SourceError(str(error)) from error
    return content


def _without_password(url: str) -> str:
    """A URL as it may stand in a log."""
    user, separator, rest = url.rpartition("@")
    if not separator or "://" not in user:
        return url
    return f"{user.split('://')[0]}://{rest}"


def _files_below(folder: Path) -> Iterator[Path]:
    inside = folder.resolve()
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            # Not every name is a file that can be read to its end: pipes, devices.
            if os.path.isfile(path) and path.resolve().is_relative_to(inside):
                yield path


def _sets_in(path: Path) -> list[WeightSet]:
    try:
        size = path.stat().st_size
        candidates = [entry for entry in WEIGHT_SETS if entry.size in (None, size)]
        if size > MAX_BYTES or not candidates:
            return []
        content = path.read_bytes()
    except OSError:
        return []
    return [entry for entry in candidates if entry.matches(content)]
