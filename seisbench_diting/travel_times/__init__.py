"""Travel times of seismic phases in one-dimensional velocity models."""

from .table import STEP_KM, TravelTimeTable, constant_velocities, make_table
from .taup import (
    EARTH_RADIUS_KM,
    KM_PER_DEGREE,
    TravelTimes,
    VelocityModelError,
)

__all__ = [
    "EARTH_RADIUS_KM",
    "KM_PER_DEGREE",
    "STEP_KM",
    "TravelTimeTable",
    "TravelTimes",
    "VelocityModelError",
    "constant_velocities",
    "make_table",
]
