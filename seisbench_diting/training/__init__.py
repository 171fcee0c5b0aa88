"""Training of pickers, on Lightning: exactly resumable."""

import lazy_loader

_getattr, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    try:
        return _getattr(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "lightning":
            raise
        raise ImportError(
            "Training needs Lightning: pip install 'seisbench-diting[train]'."
        ) from error
