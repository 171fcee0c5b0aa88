"""Resampling keeps times and amplitudes, and lets no higher frequencies through."""

import numpy as np
import pytest
from made import RATES, START, make_trace

from seisbench_diting.models.streams import RATE_TOLERANCE, resample_trace


@pytest.mark.parametrize("rate", [*RATES, 80, 333, 500, 1000])
@pytest.mark.parametrize("target", [50, 100])
def test_a_sine_below_nyquist_keeps_phase_and_amplitude(rate, target):
    for share in (0.02, 0.1, 0.35):
        frequency = share * min(rate, target)
        t = np.arange(int(30 * rate)) / rate
        trace = make_trace(np.sin(2 * np.pi * frequency * t + 0.7), rate=rate)
        resample_trace(trace, target)
        assert trace.stats.sampling_rate == pytest.approx(target, rel=RATE_TOLERANCE)
        t = trace.times() + (trace.stats.starttime - START)
        expected = np.sin(2 * np.pi * frequency * t + 0.7)
        inner = (t > 2) & (t < 28)
        assert np.abs(trace.data - expected)[inner].max() < 5e-3


@pytest.mark.parametrize("rate", [125, 200, 250, 500, 1000])
def test_a_sine_above_the_new_nyquist_is_removed(rate):
    frequency = min(70, 0.49 * rate)
    t = np.arange(int(20 * rate)) / rate
    trace = make_trace(np.sin(2 * np.pi * frequency * t), rate=rate)
    resample_trace(trace, 100)
    assert np.abs(trace.data[200:-200]).max() < 0.02
