"""The structure of the package: rooms, their sizes, and who may import whom."""

import ast
import re
import subprocess
import sys
from configparser import ConfigParser
from functools import cache
from graphlib import TopologicalSorter
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
    "association": {"tables", "travel_times", "plots", "waveforms"},
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
    return ".".join(parts).removesuffix(".__init__")


KNOWN = {_module(path) for path in MODULES}


def _room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _when_imported(node: ast.AST):
    """Nodes that run when a module is imported."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _when_imported(child)


@cache
def _imports(path: Path, inside_functions: bool = True) -> frozenset[str]:
    """Full names of the modules that a file imports, of this package and others."""
    package = path.relative_to(PACKAGE.parent).parent.parts
    found = set()
    tree = _tree(path)
    for node in ast.walk(tree) if inside_functions else _when_imported(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = {f"{module}.{alias.name}" for alias in node.names}
            found |= (names & KNOWN) | ({module} if names - KNOWN else set())
    return frozenset(found)


def _own_imports(path: Path, inside_functions: bool = True) -> set[str]:
    return {n for n in _imports(path, inside_functions) if n.split(".")[0] == NAME}


@pytest.mark.parametrize("path", MODULES, ids=_module)
def test_rooms_import_what_they_may_and_by_the_front_door(path):
    room = _room(_module(path))
    for name in _own_imports(path):
        other = _room(name)
        if other in (room, "__init__", "_util") or path.name == "__main__.py":
            continue
        assert name == f"{NAME}.{other}", f"{name}: enter {other} by its front door"
        assert room == "cli" or other in ALLOWED[room]


def test_no_circle_of_imports():
    # A package imports its modules, and they may say ``from .`` of it.
    edges = {
        (name := _module(path)): _own_imports(path, False) - {name} for path in MODULES
    }
    for graph in (edges, ALLOWED):
        # Raises an error that shows the circle.
        TopologicalSorter(graph).prepare()


def _code_lines(path: Path) -> int:
    """Lines without blanks, comments and docstrings."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docstring = slice(node.lineno - 1, node.end_lineno)
            lines[docstring] = [""] * len(lines[docstring])
    return sum(bool(line) and not line.startswith("#") for line in lines)


def test_the_package_stays_small():
    assert len(MODULES) <= MOST_FILES
    assert sum(map(_code_lines, MODULES)) <= MOST_LINES


def test_help_and_the_registry_of_weights_need_no_network_libraries():
    code = """
import sys
from seisbench_diting.cli import main
from seisbench_diting.weights import WEIGHT_SETS
for line in ("--version", "--help", "pick --help"):
    sys.argv[1:] = line.split()
    try:
        main()
    except SystemExit:
        pass
heavy = {"torch", "seisbench", "obspy", "pandas", "scipy", "matplotlib", "pooch"}
loaded = heavy & set(sys.modules)
sys.exit(f"loaded: {loaded}" if loaded else 0)
"""
    subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=True)


def test_what_is_imported_is_declared():
    # An import may work by luck where tests are run, and fail after a plain installation.
    config = ConfigParser()
    config.read(PACKAGE.parent / "setup.cfg")
    extras = config["options.extras_require"]
    declared = config["options"]["install_requires"]
    declared += "".join(extras.get(name, raw=True) for name in extras if name != "test")
    names = {re.split(r"[ <>=;]", line)[0].lower() for line in declared.splitlines()}
    names |= {"gamma" if name == "gmma" else name for name in names}
    imported = {n.split(".")[0] for path in MODULES for n in _imports(path)}
    assert not imported - names - set(sys.stdlib_module_names) - {NAME}
