from .distill_settings import AUGMENTATIONS as AUGMENTATIONS
from .distill_settings import DistillSettings as DistillSettings
from .student import DistillationResult as DistillationResult
from .student import blend as blend
from .student import distill as distill
from .student import raise_phase as raise_phase
from .student import run_distill as run_distill
from .teacher_cache import TeacherCache as TeacherCache
