"""Archives of waveforms: find files, index headers, select, read, join.

All code about file formats and codes is here.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
