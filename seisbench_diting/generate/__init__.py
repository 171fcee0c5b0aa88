"""Windows, augmentations and labels for training, on SeisBench's generators."""

from .._util.registration import add_to
from .batches import DiTingBatches, DiTingTestBatches
from .channels import (
    ComponentDropout,
    Gap,
    HorizontalRotation,
    PolarityFlip,
    RecordEdge,
)
from .events import SecondEvent
from .instruments import (
    BandLimit,
    Clipping,
    ComponentGain,
    Differentiation,
    Glitch,
    Integration,
)
from .labellers import EQTLabeller, LPPNLabeller, PointLabeller
from .labels import eqt_label, lppn_label, point_label
from .noise import GaussianNoiseAtSNR, RealNoiseAtSNR
from .phases import find_arrivals
from .rates import RateJitter, SecondRate, TimeStretch
from .reader import RecordReader
from .recipe import LABELS, label_of, training_augmentations, window_augmentations
from .windows import ArrivalWindow, NoiseWindow, PeakScale

__all__ = [
    "LABELS",
    "ArrivalWindow",
    "BandLimit",
    "Clipping",
    "ComponentDropout",
    "ComponentGain",
    "DiTingBatches",
    "DiTingTestBatches",
    "Differentiation",
    "EQTLabeller",
    "Gap",
    "GaussianNoiseAtSNR",
    "Glitch",
    "HorizontalRotation",
    "Integration",
    "LPPNLabeller",
    "NoiseWindow",
    "PeakScale",
    "PointLabeller",
    "PolarityFlip",
    "RateJitter",
    "RealNoiseAtSNR",
    "RecordEdge",
    "RecordReader",
    "SecondEvent",
    "SecondRate",
    "TimeStretch",
    "eqt_label",
    "find_arrivals",
    "label_of",
    "lppn_label",
    "point_label",
    "training_augmentations",
    "window_augmentations",
]

add_to("seisbench.generate", {"LPPNLabeller": LPPNLabeller})
