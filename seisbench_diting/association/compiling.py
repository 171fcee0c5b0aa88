"""The compiled kernels, also where there is no place to keep them."""

from __future__ import annotations

import atexit
import logging
import shutil
import tempfile

from numba import config

_LOG = logging.getLogger("seisbench_diting")

try:
    from . import kernels
except RuntimeError as error:
    # Neither the folder of the package nor the user's own can be written to.
    if "cannot cache" not in str(error):
        raise
    # Not a folder that others could write to before: what is kept there is run.
    config.CACHE_DIR = tempfile.mkdtemp(prefix="seisbench-diting-")
    atexit.register(shutil.rmtree, config.CACHE_DIR, ignore_errors=True)
    _LOG.warning(
        "Compiled code can't be kept, and is made again each time, in some 20 s. Set "
        "NUMBA_CACHE_DIR to a folder of your own that can be written to."
    )
    from . import kernels

__all__ = ["kernels"]
