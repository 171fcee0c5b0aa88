from .registry import CITATION as CITATION
from .registry import DEFAULT_SETS as DEFAULT_SETS
from .registry import WEIGHT_SETS as WEIGHT_SETS
from .registry import ChecksumError as ChecksumError
from .registry import Score as Score
from .registry import Scores as Scores
from .registry import WeightSet as WeightSet
from .registry import find_set as find_set
from .registry import weight_sets as weight_sets
from .store import BUNDLED as BUNDLED
from .store import MIRROR_VARIABLE as MIRROR_VARIABLE
from .store import WeightsError as WeightsError
from .store import find_in_folder as find_in_folder
from .store import install as install
from .store import read_set as read_set

__all__ = [
    "BUNDLED",
    "CITATION",
    "DEFAULT_SETS",
    "MIRROR_VARIABLE",
    "WEIGHT_SETS",
    "ChecksumError",
    "Score",
    "Scores",
    "WeightSet",
    "WeightsError",
    "find_in_folder",
    "find_set",
    "install",
    "read_set",
    "weight_sets",
]
