"""
The phase pickers of the China Seismic Network benchmark and DiTing for SeisBench.

Importing this package adds the pickers to :py:mod:`seisbench.models`, the dataset
DiTing to :py:mod:`seisbench.data` and its labellers to :py:mod:`seisbench.generate`,
whichever is imported first.
"""

import os

from ._util import register_when_imported

# Read by OpenMP when PyTorch is imported. Threads that wait for each other sleep: by
# default they keep their cores busy, and where another program computes, too, training
# takes many times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"

__all__ = ["__version__"]

register_when_imported()
