"""
The phase pickers of the China Seismic Network benchmark and DiTing for SeisBench.

Importing this package adds the pickers to :py:mod:`seisbench.models`, the dataset
DiTing to :py:mod:`seisbench.data` and its labellers to :py:mod:`seisbench.generate`,
whichever is imported first.
"""

from ._util import register_when_imported

__version__ = "0.1.0"

__all__ = ["__version__"]

register_when_imported()
