"""Events whose picks are known, such as those of analysts: they are only located."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .associate_settings import KnownSettings
from .core import Associator, Found

#: Origin time before the first pick, s; least squares begin there.
_BEFORE_S = 2.0


class Known(Associator[KnownSettings]):
    """
    Events as the ``event_id`` of picks says. Picks without one may be added when the events
    are located.
    """

    @property
    def margin_km(self) -> float:
        """Largest distance of events outside the network."""
        return self.settings.margin_km

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
        events = pd.DataFrame(
            {"event_id": known, "x_km": x, "y_km": y, "depth_km": 10.0}
        )
        events["time_s"] = network.seconds[first] - _BEFORE_S
        return Found(events, pd.DataFrame({"event": event[pick], "pick": pick}))
