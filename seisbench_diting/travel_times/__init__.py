"""Travel times of seismic phases in one-dimensional velocity models."""

from .table import TravelTimeTable as TravelTimeTable
from .table import constant_velocities as constant_velocities
from .table import make_table as make_table
from .taup import KM_PER_DEGREE as KM_PER_DEGREE
from .taup import TravelTimes as TravelTimes
from .taup import VelocityModelError as VelocityModelError
