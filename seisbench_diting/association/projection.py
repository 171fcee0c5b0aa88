"""Places on a plane around a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

# WGS84: equatorial radius in km, and first eccentricity squared.
_EQUATOR_KM, _E2 = 6378.137, 6.69437999014e-3

#: Farther from the centre distances on the plane are wrong by more than a few per cent.
MOST_KM = 1000.0


@dataclass(frozen=True)
class Projection:
    """
    Azimuthal equidistant on a sphere, with the radii of curvature that the ellipsoid has
    at its centre. Within 300 km distances are right to a thousandth, also across the date
    line and at the poles.

    :param latitude: Centre, degrees
    :param longitude: Centre, degrees
    """

    latitude: float
    longitude: float

    @classmethod
    def around(cls, latitude: ArrayLike, longitude: ArrayLike) -> Projection:
        """
        :param latitude: Places, degrees
        :param longitude: Places, degrees
        :return: Projection whose centre is in their middle
        """
        lat, lon = np.radians(latitude), np.radians(longitude)
        x, y, z = (
            float(np.mean(values))
            for values in (
                np.cos(lat) * np.cos(lon),
                np.cos(lat) * np.sin(lon),
                np.sin(lat),
            )
        )
        return cls(
            float(np.degrees(np.arctan2(z, np.hypot(x, y)))),
            float(np.degrees(np.arctan2(y, x))),
        )

    def to_km(
        self, latitude: ArrayLike, longitude: ArrayLike
    ) -> tuple[np.ndarray, np.ndarray]:
        """
        :param latitude: Degrees
        :param longitude: Degrees
        :return: Kilometres east and north of the centre
        """
        lat, lon = (
            np.radians(np.asarray(values, dtype=float))
            for values in (latitude, longitude)
        )
        lat0, east = np.radians(self.latitude), lon - np.radians(self.longitude)
        u = np.cos(lat) * np.sin(east)
        v = np.cos(lat0) * np.sin(lat) - np.sin(lat0) * np.cos(lat) * np.cos(east)
        w = np.sin(lat0) * np.sin(lat) + np.cos(lat0) * np.cos(lat) * np.cos(east)
        sine = np.hypot(u, v)
        angle = np.arctan2(sine, w)
        stretch = np.where(sine > 0, angle / np.where(sine > 0, sine, 1.0), 1.0)
        x_scale, y_scale = self._scales()
        return u * stretch * x_scale, v * stretch * y_scale

    def to_degrees(
        self, x_km: ArrayLike, y_km: ArrayLike
    ) -> tuple[np.ndarray, np.ndarray]:
        """
        :param x_km: Kilometres east of the centre
        :param y_km: Kilometres north of it
        :return: Latitude and longitude, from -180 to 180 degrees
        """
        x_scale, y_scale = self._scales()
        x, y = np.asarray(x_km) / x_scale, np.asarray(y_km) / y_scale
        angle = np.hypot(x, y)
        shrink = np.where(
            angle > 0, np.sin(angle) / np.where(angle > 0, angle, 1.0), 1.0
        )
        lat0 = np.radians(self.latitude)
        sine = np.cos(angle) * np.sin(lat0) + y * shrink * np.cos(lat0)
        latitude = np.degrees(np.arcsin(np.clip(sine, -1, 1)))
        east = np.arctan2(
            x * shrink, np.cos(lat0) * np.cos(angle) - y * shrink * np.sin(lat0)
        )
        longitude = self.longitude + np.degrees(east)
        return latitude, (longitude + 180) % 360 - 180

    def _scales(self) -> tuple[float, float]:
        """Kilometres a radian, east and north."""
        root = 1 - _E2 * np.sin(np.radians(self.latitude)) ** 2
        east = _EQUATOR_KM / np.sqrt(root)
        north = _EQUATOR_KM * (1 - _E2) / root**1.5
        # The parallel's own shrinking is in the sphere's formulas.
        return float(east), float(north)


def distance_and_azimuth(
    dx_km: ArrayLike, dy_km: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """
    :param dx_km: Kilometres east
    :param dy_km: Kilometres north
    :return: Distance in km, and azimuth from 0 to 360 degrees
    """
    azimuth = np.degrees(np.arctan2(dx_km, dy_km)) % 360
    return np.hypot(dx_km, dy_km), azimuth
