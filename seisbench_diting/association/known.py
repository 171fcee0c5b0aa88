"""Events whose picks are known, such as those of analysts: they are only located."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .core import Associator, Found

#: Least squares begin in this depth, km, and this long before the first pick, s.
_DEPTH_KM, _BEFORE_S = 10.0, 2.0


class Known(Associator):
    """
    Makes an event of all picks with the same ``event_id``. Picks without one may be added
    when the events are located.
    """

    def find(self, progress: bool = False) -> Found:
        """See :py:class:`.Associator`."""
        network = self.network
        names = network.picks.get("event_id", pd.Series("", network.picks.index))
        event, known = pd.factorize(names.replace("", None))
        pick = np.flatnonzero(event >= 0)
        if len(pick) == 0:
            raise ValueError(
                "method='known' needs picks with an event_id, and there are none. Other "
                "methods find the events of picks."
            )
        # Picks are sorted by time: least squares begin at the first station.
        first = pick[np.unique(event[pick], return_index=True)[1]]
        x, y = network.xy[:, network.station[first]]
        start = np.column_stack(
            [x, y, np.full(len(x), _DEPTH_KM), network.seconds[first] - _BEFORE_S]
        )
        return Found(start, event[pick], pick, names=known.to_numpy())
