"""Travel times of seismic phases in one-dimensional velocity models."""

from .curves import VelocityModelError
from .first_arrivals import EARTH_RADIUS_KM, KM_PER_DEGREE, TravelTimes
from .table import STEP_KM, TravelTimeTable, constant_velocities, make_table

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
