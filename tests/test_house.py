"""The structure of the package: rooms, their sizes, and who may import whom."""

import ast
import re
import subprocess
import sys
from collections import Counter
from configparser import ConfigParser
from functools import cache
from pathlib import Path

import pytest

import seisbench_diting

NAME = seisbench_diting.__name__
PACKAGE = Path(seisbench_diting.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

#: Room -> rooms that it may import, beside ``_util``. The command line may import all.
ALLOWED = {
    "__init__": set(),
    "_util": set(),
    "association": {"tables", "travel_times", "plots"},
    "data": {"tables", "waveforms", "models"},
    "distillation": {"training", "waveforms", "models", "generate", "runtime"},
    "evaluation": {"data", "models", "runtime", "generate", "tables", "plots"},
    "generate": {"models", "data"},
    "models": {"weights"},
    "picking": {"models", "runtime", "waveforms", "tables", "travel_times", "plots"},
    "plots": {"tables"},
    "report": {"plots", "tables", "waveforms", "models", "picking"},
    "runtime": {"models", "weights"},
    "tables": set(),
    "training": {"data", "models", "generate", "runtime", "plots"},
    "travel_times": set(),
    "waveforms": set(),
    "weights": set(),
}

#: Code lines and files: fewer lines than SeisBench has (16,891).
MOST_LINES, MOST_FILES = 16_890, 110


def _module(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


@cache
def _imports(path: Path, inside_functions: bool = True) -> frozenset[str]:
    """Modules of the package that a file imports, by their full names."""
    known = {_module(p) for p in MODULES}
    package = path.relative_to(PACKAGE.parent).parent.parts
    found = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if inside_functions else _when_imported(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                whole = f"{module}.{alias.name}"
                found.add(whole if whole in known else module)
    return frozenset(name for name in found if name.split(".")[0] == NAME)


def _when_imported(node: ast.AST):
    """Nodes that run when a module is imported."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _when_imported(child)


def _names(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", MODULES, ids=_names)
def test_rooms_import_what_they_may_and_by_the_front_door(path):
    room = _room(_module(path))
    for name in _imports(path):
        other = _room(name)
        if other in (room, "__init__", "_util") or path.name == "__main__.py":
            continue
        assert name == f"{NAME}.{other}", f"{name}: enter {other} by its front door"
        assert room == "cli" or other in ALLOWED[room]


def test_no_circle_of_imports():
    edges = {_module(path): _imports(path, False) for path in MODULES}
    rooms: dict[str, set[str]] = {}
    for path in MODULES:
        room = _room(_module(path))
        rooms.setdefault(room, set()).update(
            _room(name) for name in _imports(path) if _room(name) != room
        )
    rooms.pop("__init__")
    for graph in (edges, rooms):
        remaining = {node: set(others) & set(graph) for node, others in graph.items()}
        for node in remaining:
            # A package imports its modules, and they may say ``from .`` of it.
            remaining[node].discard(node)
        while free := {node for node, others in remaining.items() if not others}:
            remaining = {
                node: others - free
                for node, others in remaining.items()
                if node not in free
            }
        assert not remaining


def test_no_file_name_twice():
    names = Counter(path.stem for path in MODULES if path.stem != "__init__")

    assert [name for name, number in names.items() if number > 1] == []


def _code_lines(path: Path) -> int:
    """Lines without blanks, comments and docstrings."""
    text = path.read_text(encoding="utf-8")
    lines = set()
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and body:
            first = body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                lines |= set(range(first.lineno, first.end_lineno + 1))
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and number not in lines
        for number, line in enumerate(text.splitlines(), 1)
    )


def test_the_package_stays_small():
    assert len(MODULES) <= MOST_FILES
    assert sum(map(_code_lines, MODULES)) <= MOST_LINES


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["pick", "--help"]])
def test_help_needs_no_network_libraries(arguments):
    code = (
        "import sys\n"
        f"sys.argv[1:] = {arguments!r}\n"
        "from seisbench_diting.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'seisbench', 'obspy', 'pandas', 'scipy', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert result.stderr.strip() == "[]"


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
        for path in MODULES
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
