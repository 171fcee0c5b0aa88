from .distill_settings import AUGMENTATIONS as AUGMENTATIONS
from .distill_settings import DistillSettings as DistillSettings
from .labels import Stretch as Stretch
from .labels import read_labels as read_labels
from .student import DistillationResult as DistillationResult
from .student import blend as blend
from .student import distill as distill
from .student import raise_phase as raise_phase
