"""``python -m seisbench_diting``."""

from .cli import main

main()
