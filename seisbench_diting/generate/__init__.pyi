from .arrival_windows import ArrivalWindow as ArrivalWindow
from .arrival_windows import NoiseWindow as NoiseWindow
from .arrival_windows import PeakScale as PeakScale
from .arrival_windows import cut_centred as cut_centred
from .arrival_windows import without_means as without_means
from .arrivals import Arrival as Arrival
from .arrivals import find_arrivals as find_arrivals
from .arrivals import read_arrivals as read_arrivals
from .augmentations import BandLimit as BandLimit
from .augmentations import Clipping as Clipping
from .augmentations import ComponentDropout as ComponentDropout
from .augmentations import ComponentGain as ComponentGain
from .augmentations import Differentiation as Differentiation
from .augmentations import Gap as Gap
from .augmentations import GaussianNoiseAtSNR as GaussianNoiseAtSNR
from .augmentations import Glitch as Glitch
from .augmentations import HorizontalRotation as HorizontalRotation
from .augmentations import Integration as Integration
from .augmentations import PolarityFlip as PolarityFlip
from .augmentations import RealNoiseAtSNR as RealNoiseAtSNR
from .augmentations import RecordEdge as RecordEdge
from .augmentations import RecordSource as RecordSource
from .augmentations import SecondEvent as SecondEvent
from .augmentations import TimeStretch as TimeStretch
from .batches import DiTingBatches as DiTingBatches
from .batches import DiTingTestBatches as DiTingTestBatches
from .batches import batch_loader as batch_loader
from .batches import seeded as seeded
from .labellers import STRIDE as STRIDE
from .labellers import EQTLabeller as EQTLabeller
from .labellers import LPPNLabeller as LPPNLabeller
from .labellers import PointLabeller as PointLabeller
from .labellers import check_cells as check_cells
from .labellers import draw_triangle as draw_triangle
from .labellers import eqt_label as eqt_label
from .labellers import lppn_label as lppn_label
from .labellers import point_label as point_label
from .recipe import LABELS as LABELS
from .recipe import Step as Step
from .recipe import check_options as check_options
from .recipe import label_of as label_of
from .recipe import training_augmentations as training_augmentations
from .recipe import window_augmentations as window_augmentations
from .record_reader import RecordReader as RecordReader

__all__ = [
    "LABELS",
    "STRIDE",
    "Arrival",
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
    "RealNoiseAtSNR",
    "RecordEdge",
    "RecordReader",
    "RecordSource",
    "SecondEvent",
    "Step",
    "TimeStretch",
    "batch_loader",
    "check_cells",
    "check_options",
    "cut_centred",
    "draw_triangle",
    "eqt_label",
    "find_arrivals",
    "label_of",
    "lppn_label",
    "point_label",
    "read_arrivals",
    "seeded",
    "training_augmentations",
    "window_augmentations",
    "without_means",
]
