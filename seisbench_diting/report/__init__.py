"""Interactive pages of runs: everything in one file that needs no network."""

from .page import write_report

__all__ = ["write_report"]
