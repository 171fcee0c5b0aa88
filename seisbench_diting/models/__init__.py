"""The seven pickers."""

from .._util.registration import add_to
from .eqt import EQT
from .lppn import LPPNL, LPPNM, LPPNT
from .picks import find_phase_lppn, find_phase_point2point
from .rnn import RNN
from .unet import UNet
from .unetpp import UNetPP

#: Names of the pickers, the smallest first.
PICKERS = ("LPPNT", "LPPNM", "UNet", "EQT", "RNN", "LPPNL", "UNetPP")

__all__ = [
    "EQT",
    "LPPNL",
    "LPPNM",
    "LPPNT",
    "PICKERS",
    "RNN",
    "UNet",
    "UNetPP",
    "find_phase_lppn",
    "find_phase_point2point",
]

add_to("seisbench.models", {name: globals()[name] for name in PICKERS})
