"""Pickers of pulses. Their graphs are made once, at first use."""

import logging

import pytest
from made import Amplitude, Cells, Everywhere, EverywhereCells


@pytest.fixture(scope="session", params=[Amplitude, Cells])
def model(request):
    """Finds pulses, at every sample or in cells of eight samples."""
    return request.param()


@pytest.fixture(scope="session")
def amplitude():
    """Finds pulses, at every sample."""
    return Amplitude()


@pytest.fixture(scope="session", params=[Everywhere, EverywhereCells])
def everywhere(request):
    """Sees arrivals everywhere, at every sample or in cells of eight samples."""
    return request.param()


@pytest.fixture
def warned(caplog):
    """Function that gives the warnings so far."""
    return lambda: [
        r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING
    ]
