"""Windows, augmentations and labels for training, on SeisBench's generators."""

from .batches import DiTingBatches, DiTingTestBatches
from .channels import ComponentDropout, Gap, HorizontalRotation, PolarityFlip
from .events import SecondEvent
from .labellers import EQTLabeller, LPPNLabeller, PointLabeller
from .labels import eqt_label, lppn_label, point_label
from .noise import GaussianNoiseAtSNR, RealNoiseAtSNR
from .phases import find_arrivals
from .rates import RateJitter, SecondRate
from .reader import RecordReader
from .recipe import LABELS, label_of, training_augmentations, window_augmentations
from .windows import ArrivalWindow, NoiseWindow, PeakScale

__all__ = [
    "LABELS",
    "ArrivalWindow",
    "ComponentDropout",
    "DiTingBatches",
    "DiTingTestBatches",
    "EQTLabeller",
    "Gap",
    "GaussianNoiseAtSNR",
    "HorizontalRotation",
    "LPPNLabeller",
    "NoiseWindow",
    "PeakScale",
    "PointLabeller",
    "PolarityFlip",
    "RateJitter",
    "RealNoiseAtSNR",
    "RecordReader",
    "SecondEvent",
    "SecondRate",
    "eqt_label",
    "find_arrivals",
    "label_of",
    "lppn_label",
    "point_label",
    "training_augmentations",
    "window_augmentations",
]

#: Labellers that are added to SeisBench.
LABELLERS = ("LPPNLabeller",)
