"""Archives of waveforms: find files, index headers, select, read, join.

The one place that knows file formats and codes.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
