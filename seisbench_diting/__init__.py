"""
The phase pickers of the China Seismic Network benchmark and DiTing for SeisBench.

Importing this package adds the pickers to :py:mod:`seisbench.models`, the dataset
DiTing to :py:mod:`seisbench.data` and its labeller to :py:mod:`seisbench.generate`.
"""

import seisbench
import seisbench.data
import seisbench.generate
import seisbench.models

from . import data, generate, inference, models
from ._version import __version__
from .models.backends import register_backend

__all__ = ["__version__"]

#: What is added to SeisBench: its module, ours, and names.
_ADDITIONS = (
    (seisbench.models, models, models.PICKERS),
    (seisbench.data, data, data.DATASETS),
    (seisbench.generate, generate, generate.LABELLERS),
)


def _register() -> None:
    for target, source, names in _ADDITIONS:
        for name in names:
            ours = getattr(source, name)
            present = getattr(target, name, ours)
            if present is not ours:
                seisbench.logger.warning(
                    f"{target.__name__} has a {name} of its own, which is left alone. "
                    f"The one of this package is {source.__name__}.{name}."
                )
                continue
            setattr(target, name, ours)
            if name not in target.__all__:
                target.__all__.append(name)


_register()
register_backend("onnx", inference.make_runner)
