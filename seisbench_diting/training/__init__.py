"""Training of pickers, on Lightning."""

try:
    import lightning  # noqa: F401
except ImportError as error:
    raise ImportError(
        "Training needs Lightning: pip install 'seisbench-diting[train]'."
    ) from error

from .module import NotFiniteError
from .results import TrainingResult
from .settings import TrainingSettings
from .train import train

__all__ = ["NotFiniteError", "TrainingResult", "TrainingSettings", "train"]
