"""Events, picks and waveforms on both sides of the date line."""

import numpy as np
import obspy
import pandas as pd

from seisbench_diting import tables
from tests.association.made_networks import made_network


def made_events(count, span_s=86400.0, missing=0.0):
    """
    Tables of 12 stations, of events, and of the picks of each event at all stations.
    """
    place = {"latitude": -17.0, "longitude": 179.95, "elevation_m": (500.0, 500.0)}
    size = {"stations": 12, "radius_km": 70.0, "duration_s": span_s}
    picks = {"noise_s": 0.0, "missing": missing, "false": 0.0}
    made = made_network(count, count, **place, **size, **picks)
    assigned = made.picks.assign(event_id=made.truth, residual_s=0.1)
    return made.stations, made.events, tables.assignment_table(assigned)


def make_stream(event, picks):
    """Two channels of each station that begin to tremble at its first pick."""
    stream = obspy.Stream()
    random = np.random.default_rng(0)
    start = event["time"] - pd.Timedelta(seconds=5)
    for station_id, rows in picks.groupby("station_id"):
        samples = random.standard_normal(6000)
        samples[int((rows["time"].min() - start).total_seconds() * 100) :] *= 10
        for channel in ("HHE", "HHZ"):
            trace = obspy.Trace(samples.copy(), {"sampling_rate": 100})
            trace.id = f"{station_id}.{channel}"
            trace.stats.starttime = obspy.UTCDateTime(start)
            stream += trace
    return stream
