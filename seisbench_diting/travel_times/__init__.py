"""Travel times of seismic phases in one-dimensional velocity models."""

from .curves import VelocityModelError
from .first_arrivals import EARTH_RADIUS_KM, KM_PER_DEGREE, TravelTimes

__all__ = ["EARTH_RADIUS_KM", "KM_PER_DEGREE", "TravelTimes", "VelocityModelError"]
