"""
The network of the LPPN linker: whether a pick can belong to an origin, from the epicentral
distance and the time after the origin.

Yu, Z., Wang, W., & Chen, Y. (2023). Benchmark on the accuracy and efficiency of several
neural network based phase pickers using datasets from China Seismic Network. Earthquake
Science, 36(2), 113-131. <https://doi.org/10.1016/j.eqs.2022.10.001>
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from .velocities import TravelTimeTable, make_travel_times

#: Classes of the network.
CLASSES = ("none", "Pg", "Sg", "Pn", "Sn")

#: The package's own weights; ``python -m benchmarks.linker`` makes them.
OWN_WEIGHTS = Path(__file__).parent / "weights" / "linker.pt"

#: Velocity model and depth that these are trained for, km.
MODEL, DEPTH_KM = "iasp91", 8.0

#: Distances and times are given in hundreds.
_SCALE = 100.0

#: Steps of tables that are made from it.
DISTANCE_STEP_KM, TIME_STEP_S = 1.0, 0.1

#: Where odds are lower no pick belongs to an origin: near the end of the window a
#: distance's arrivals may be cut off.
_LEAST_ODDS = 0.5

#: Less than this share of the largest density is none.
_LEAST_SHARE = 0.02


class Linker(nn.Module):
    """
    The published network, whose weights fit.

    Input: (points, 2) float32, epicentral distance in 100 km and seconds after the origin
    in 100 s. Output: (points, 5) logits of :py:data:`CLASSES`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Sequential(
            nn.Linear(2, 32),
            nn.BatchNorm1d(32),
            nn.Tanh(),
            nn.Linear(32, 32),
            nn.BatchNorm1d(32),
            nn.Tanh(),
            nn.Linear(32, len(CLASSES)),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """See the class."""
        return self.dense(x)

    @torch.no_grad()
    def odds(self, distance_km: np.ndarray, seconds: np.ndarray) -> np.ndarray:
        """
        :param distance_km: Epicentral distances
        :param seconds: Seconds after the origin, of a shape that broadcasts with it
        :return: How much more probable P (Pg or Pn), and S, are than none, (2, ...)
        """
        points = np.stack(np.broadcast_arrays(distance_km, seconds), axis=-1) / _SCALE
        flat = torch.from_numpy(points.reshape(-1, 2).astype(np.float32))
        none, pg, sg, pn, sn = self(flat).double().unbind(1)
        logarithms = torch.stack([torch.logaddexp(pg, pn), torch.logaddexp(sg, sn)])
        odds = (logarithms - none).clamp(max=50.0).exp().numpy()
        return odds.reshape(2, *points.shape[:-1])


def load_linker(path: str | Path | None = None) -> Linker:
    """
    :param path: State dict, such as the published ``link32.ckpt``. Default: the package's
        own weights.
    :raises FileNotFoundError: if there is no such file
    :raises ValueError: if it isn't the state dict of such a network
    :return: Network in evaluation mode
    """
    path = OWN_WEIGHTS if path is None else Path(path)
    linker = Linker()
    try:
        with path.open("rb") as file:
            state = torch.load(file, map_location="cpu", weights_only=True)
        linker.load_state_dict(state)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"network={str(path)!r}: there is no such file."
        ) from None
    # Damaged files raise errors of many kinds.
    except Exception as error:
        raise ValueError(
            f"network={str(path)!r} holds no weights of the linker: "
            f"{' '.join(str(error).split())[:200]}."
        ) from error
    return linker.eval()


@dataclass(frozen=True)
class LinkTable:
    """
    What a network says, on a grid.

    A network that was taught by picks of events and by others which come at any time gives,
    in its odds, the density of times at which the picks of events come.

    :param density: Of P and S picks of an origin, 1/s, float32, (2, depths, distances,
        times), with steps of :py:data:`DISTANCE_STEP_KM` and :py:data:`TIME_STEP_S`
    :param depths_km: Depths
    """

    density: np.ndarray
    depths_km: np.ndarray


def published_table(
    linker: Linker, max_distance_km: float, window_s: float
) -> LinkTable:
    """
    :param linker: Network, which serves origins in all depths
    :param max_distance_km: Largest distance
    :param window_s: Longest time after an origin
    :return: Table with one depth
    """
    distances, times = _axes(max_distance_km, window_s)
    odds = linker.odds(distances[:, None], times)
    return LinkTable(_density(odds)[:, None].copy(), np.array([DEPTH_KM]))


def own_table(
    linker: Linker,
    max_distance_km: float,
    window_s: float,
    travel_times: TravelTimeTable,
    depths_km: np.ndarray,
) -> LinkTable:
    """
    The network knows travel times of :py:data:`MODEL` at :py:data:`DEPTH_KM`; for other
    models and depths times are shifted by how much later waves arrive.

    :param linker: Network
    :param max_distance_km: Largest distance
    :param window_s: Longest time after an origin
    :param travel_times: Travel times
    :param depths_km: Depths
    :return: Table
    """
    distances, times = _axes(max_distance_km, window_s)
    known = make_travel_times(MODEL, distances[-1], DEPTH_KM).at(distances, DEPTH_KM)
    density = np.zeros(
        (2, len(depths_km), len(distances), len(times)), dtype=np.float32
    )
    for layer, depth in enumerate(depths_km):
        for phase, seconds in enumerate(travel_times.at(distances, depth)):
            later = seconds - known[phase]
            arrives = np.isfinite(later)
            shifted = times - np.where(arrives, later, 0)[:, None]
            found = _density(linker.odds(distances[:, None], shifted)[phase])
            density[phase, layer, arrives] = found[arrives]
    return LinkTable(density, np.asarray(depths_km, dtype=float))


def _axes(max_distance_km: float, window_s: float) -> tuple[np.ndarray, np.ndarray]:
    return (
        np.arange(0, max_distance_km + DISTANCE_STEP_KM, DISTANCE_STEP_KM),
        np.arange(0, window_s + TIME_STEP_S, TIME_STEP_S),
    )


def _density(odds: np.ndarray) -> np.ndarray:
    """Over times, the last axis; none where the network is sure that there are none."""
    high = np.where(odds < _LEAST_ODDS, 0, odds)
    total = high.sum(axis=-1, keepdims=True) * TIME_STEP_S
    density = high / np.where(total > 0, total, 1)
    density[density < _LEAST_SHARE * density.max(axis=-1, keepdims=True)] = 0
    return density.astype(np.float32)
