"""Which part of the package may import which."""

import ast
import re
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

import seisbench_diting

NAME = seisbench_diting.__name__
PACKAGE = Path(seisbench_diting.__file__).parent

#: Room -> rooms that it may import. The command line may import all of them. Pictures
#: are a room of their own, as picking and evaluation will draw them as well.
ALLOWED = {
    "__init__": {"_util"},
    "__main__": {"cli"},
    "_util": set(),
    "association": {
        "__init__",
        "plots",
        "_util",
        "tables",
        "travel_times",
    },
    "data": {"_util"},
    "distillation": {"_util", "generate", "models", "training", "waveforms"},
    "evaluation": {"__init__", "data", "_util", "generate", "models", "runtime"},
    "generate": {"models"},
    "runtime": {"__init__", "_util", "models"},
    "models": {"weights"},
    "picking": {
        "plots",
        "_util",
        "models",
        "tables",
        "travel_times",
    },
    "report": {
        "__init__",
        "association",
        "plots",
        "_util",
        "models",
        "picking",
        "tables",
    },
    "plots": {"_util", "tables"},
    "tables": {"_util"},
    "training": {
        "data",
        "evaluation",
        "plots",
        "_util",
        "generate",
        "runtime",
        "models",
    },
    "travel_times": {"_util"},
    "waveforms": set(),
    "weights": {"_util"},
}


def _imported_rooms(path: Path) -> set[str]:
    depth = len(path.relative_to(PACKAGE).parts)
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            rooms |= {
                name.split(".")[1] for name in names if name.startswith(f"{NAME}.")
            }
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if module == NAME:
                rooms |= {alias.name for alias in node.names}
            if node.level == depth:
                names = [module] if module else [alias.name for alias in node.names]
                rooms |= {name.split(".")[0] for name in names}
            elif module.startswith(f"{NAME}."):
                rooms.add(module.split(".")[1])
    return rooms


@pytest.mark.parametrize(
    "path",
    sorted(PACKAGE.rglob("*.py")),
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_no_room_reaches_back(path):
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room == "cli":
        return

    allowed = ALLOWED[room] | {"_util", "__version__", "waveforms", "plots"}
    assert _imported_rooms(path) - {room} <= allowed


def test_what_is_imported_is_declared():
    # An import may work by luck where tests are run, and fail after a plain installation.
    config = ConfigParser()
    config.read(PACKAGE.parent / "setup.cfg")
    extras = config["options.extras_require"]
    declared = config["options"]["install_requires"]
    declared += "".join(extras.get(name, raw=True) for name in extras if name != "test")
    names = {re.split(r"[ <>=;]", line)[0].lower() for line in declared.splitlines()}
    names |= {"gamma" if name == "gmma" else name for name in names}
    imported = {
        name.partition(".")[0]
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom) and node.level == 0
            else []
        )
    }
    missing = imported - names - set(sys.stdlib_module_names) - {NAME}
    assert not missing
