"""The seven pickers, and how a stream becomes picks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

# Adds the pickers to SeisBench.
from . import loading  # noqa: E402, F401
