"""Which part of the package may import which."""

import ast
from pathlib import Path

import pytest

import seisbench_diting

PACKAGE = Path(seisbench_diting.__file__).parent

#: Room -> rooms that it may import. The command line may import all of them.
ALLOWED = {
    "__init__": {"_version", "models"},
    "__main__": {"cli"},
    "_version": set(),
    "figures": set(),
    "models": {"weights"},
    "weights": set(),
}


def _imported_rooms(path: Path) -> set[str]:
    depth = len(path.relative_to(PACKAGE).parts)
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level == depth:
                names = [module] if module else [alias.name for alias in node.names]
                rooms |= {name.split(".")[0] for name in names}
            elif module.startswith("seisbench_diting."):
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

    assert _imported_rooms(path) - {room} <= ALLOWED[room]
