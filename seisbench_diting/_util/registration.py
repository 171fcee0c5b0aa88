"""Add our classes to SeisBench's modules."""

from __future__ import annotations

import functools
import importlib
import logging
import sys
from types import ModuleType

#: Modules of SeisBench, and our modules with the classes to add.
ADDITIONS = {
    "seisbench.models": "seisbench_diting.models",
    "seisbench.data": "seisbench_diting.data.diting",
    "seisbench.generate": "seisbench_diting.generate.labellers",
}


def register_when_imported() -> None:
    """
    Registers our classes when a module of SeisBench is imported, or now, if it already is.
    Thus importing this package alone imports neither SeisBench nor PyTorch.
    """
    import wrapt

    for target, source in ADDITIONS.items():
        wrapt.register_post_import_hook(functools.partial(_import, source), target)


def _import(source: str, target: ModuleType) -> None:
    importlib.import_module(source)


def add_to(target: str, classes: dict[str, type]) -> None:
    """
    :param target: Module of SeisBench, imported
    :param classes: Our classes by name. SeisBench's own class of the same name is kept.
    """
    module = sys.modules[target]
    for name, ours in classes.items():
        present = getattr(module, name, ours)
        if present is not ours:
            logging.getLogger("seisbench").warning(
                f"{target} has its own {name}, which is kept. That of this package "
                f"is {ours.__module__}.{name}."
            )
            continue
        setattr(module, name, ours)
        if name not in module.__all__:
            module.__all__.append(name)
