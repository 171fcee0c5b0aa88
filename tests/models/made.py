"""Pickers of pulses, and streams with pulses in weak noise."""

import numpy as np
import obspy
import pytest
import torch
from obspy import UTCDateTime
from torch import nn

from seisbench_diting.models import PhasePicker

START = UTCDateTime(2024, 1, 1)
RATES = (20, 40, 50, 62.5, 100, 125, 128, 200, 250)


class Amplitude(PhasePicker):
    """P is the cubed amplitude of Z and S that of N and E, if a pulse stands out."""

    length_multiple = 1

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        order = [self.component_order.index(c) for c in "ZNE"]
        x = x[:, order].abs()
        level = x.square().mean(dim=(1, 2), keepdim=True).sqrt()
        x = 0.9 * x**3 * (x.amax(dim=(1, 2), keepdim=True) > 16 * level)
        p, s = x[:, 0], x[:, 1:].amax(dim=1)
        return torch.stack([(1 - p - s).clamp(min=0), p, s], dim=1)

    def picks(self, stream, **kwargs):
        """(station, phase, time after START, probability) of each pick."""
        return [
            (pick.trace_id, pick.phase, pick.peak_time - START, pick.peak_value)
            for pick in self.classify(stream, **kwargs).picks
        ]

    def times(self, stream, **kwargs):
        """Times of the P picks and of the S picks, in seconds after START."""
        picks = self.picks(stream, **kwargs)
        return tuple([time for _, p, time, _ in picks if p == phase] for phase in "PS")

    def curve(self, stream, label="P", **kwargs):
        """The only curve of a phase."""
        (trace,) = self.annotate(stream, **kwargs).select(channel=f"*_{label}")
        return trace


class Cells(Amplitude):
    """The same in cells of eight samples."""

    stride = length_multiple = 8
    regression = True

    def forward(self, x):
        curves = super().forward(x)
        cells = curves.reshape(*curves.shape[:2], -1, 8)
        offset = cells[:, 1:].amax(dim=1).argmax(dim=-1)
        probabilities = cells.amax(dim=-1)
        probabilities[:, 0] = (1 - probabilities[:, 1:].sum(dim=1)).clamp(min=0)
        return probabilities, offset.to(x.dtype)


class Everywhere(Amplitude):
    """Sees an arrival at every sample."""

    def forward(self, x):
        answer = torch.tensor([0.1, 0.5, 0.4])
        return answer[None, :, None].expand(len(x), 3, x.shape[-1]).clone()


class EverywhereCells(Everywhere):
    """The same in cells of eight samples, at their ends."""

    stride = length_multiple = 8
    regression = True

    def forward(self, x):
        curves = super().forward(x[..., ::8])
        return curves, torch.full_like(curves[:, 0], 7.75)


def noise(n_samples, seed=0):
    return np.random.default_rng(seed).normal(size=n_samples)


def make_trace(data, channel="HHZ", start=START, rate=100.0, station="STA", place=""):
    codes = {"network": "XX", "station": station, "location": place, "channel": channel}
    return obspy.Trace(data, {**codes, "starttime": start, "sampling_rate": rate})


def make_stream(
    p=(), s=(), start=START, seconds=62.0, rate=100.0, codes="ZNE", kind="HH", **header
):
    """Gaussian pulses of height 1 and half width 0.1 s on the first component at the times p and on the
    others at the times s, in seconds after START."""
    n_samples = round(seconds * rate)
    t = start - START + np.arange(n_samples) / rate
    stream = obspy.Stream()
    for i, code in enumerate(codes):
        data = 1e-5 * noise(n_samples, i)
        for moment in s if i else p:
            data += np.exp(-(((t - moment) / 0.1) ** 2))
        stream += make_trace(data, kind + code, start, rate, **header)
    return stream


def scale(stream, factor, offset=0.0):
    stream = stream.copy()
    for trace in stream:
        trace.data = trace.data * factor + offset
    return stream


def same_picks(found, expected):
    assert [pick[:2] for pick in found] == [pick[:2] for pick in expected]
    for column, tolerance in ((2, 1e-6), (3, 1e-3)):
        values = [pick[column] for pick in expected]
        assert [pick[column] for pick in found] == at(*values, within=tolerance)


def at(*times, within=1e-6):
    return pytest.approx(list(times), abs=within)


def seconds_of(trace):
    return trace.stats.starttime - START + trace.times()
