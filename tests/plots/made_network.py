"""Makes events, picks and waveforms around a place near the date line."""

import numpy as np
import obspy
import pandas as pd
from pyproj import Geod

from seisbench_diting import tables

START = pd.Timestamp("2016-10-14", tz="UTC")
MIDDLE = {"latitude": -17.0, "longitude": 179.95}
WGS84 = Geod(ellps="WGS84")


class TravelTimes:
    """Straight rays."""

    def first_arrivals(self, distance_km, depth_km, elevation_km=0.0):
        length = np.hypot(distance_km, np.nan_to_num(depth_km) + elevation_km)
        return length / 6.2, length / 3.5


TRAVEL_TIMES = TravelTimes()


def place(x_km, y_km):
    lon, lat = (np.full(np.shape(x_km), MIDDLE[n]) for n in ("longitude", "latitude"))
    azimuth = np.degrees(np.arctan2(x_km, y_km))
    longitude, latitude, _ = WGS84.fwd(lon, lat, azimuth, 1000 * np.hypot(x_km, y_km))
    return {"latitude": latitude, "longitude": longitude}


def distance_km(event, stations):
    here = (np.full(len(stations), event[n]) for n in ("longitude", "latitude"))
    return WGS84.inv(*here, stations["longitude"], stations["latitude"])[2] / 1000


def make_events(count, span_s=86400.0):
    random = np.random.default_rng(count)
    seconds = np.linspace(0, span_s, count)
    return tables.event_table(
        pd.DataFrame(
            {
                "event_id": [f"e{n}" for n in range(count)],
                "time": START + pd.to_timedelta((seconds * 1e6).astype(int), unit="us"),
                "depth_km": random.uniform(0, 20, count),
                **place(*(10 * random.standard_normal((2, count)))),
            }
        )
    )


def make_picks(events, stations):
    """P and S of each event at all stations, 0.1 s late."""
    rows = []
    for event in events.to_dict("records"):
        times = TRAVEL_TIMES.first_arrivals(
            distance_km(event, stations), event["depth_km"], 0.5
        )
        rows += [
            {
                "event_id": event["event_id"],
                "station_id": name,
                "phase": phase,
                "time": event["time"] + pd.Timedelta(round(1e6 * (time + 0.1)), "us"),
                "probability": 0.9,
                "residual_s": 0.1,
            }
            for phase, of_phase in zip("PS", times, strict=True)
            for name, time in zip(stations["station_id"], of_phase, strict=True)
        ]
    return tables.assignment_table(rows)


def make_stream(picks):
    """Two channels of each station that begin to tremble at its first pick."""
    stream = obspy.Stream()
    random = np.random.default_rng(0)
    for station_id, rows in picks.groupby("station_id"):
        network, station, location = station_id.split(".")
        samples = random.standard_normal(6000)
        samples[int((rows["time"].min() - START).total_seconds() * 100) + 500 :] *= 10
        for channel in ("HHE", "HHZ"):
            header = {"network": network, "station": station, "location": location}
            header |= {"channel": channel, "sampling_rate": 100}
            header["starttime"] = obspy.UTCDateTime(START.to_pydatetime()) - 5
            stream += obspy.Trace(samples.copy(), header)
    return stream
