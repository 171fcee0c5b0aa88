"""Where augmentations take other records from."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np


class RecordSource(Protocol):
    """What SeisBench's datasets and :py:class:`RecordReader` have in common."""

    component_order: str

    def __len__(self) -> int: ...

    def get_sample(self, idx: int) -> tuple[np.ndarray, dict[str, Any]]: ...


def check_source(name: str, source: RecordSource | None, component_order: str) -> None:
    """
    :param name: Name of the argument
    :param source: Its value
    :param component_order: Components that its records must have
    :raises ValueError: If there are no records, or with other components
    """
    if source is None or len(source) == 0:
        raise ValueError(
            f"{name}={source!r} is not possible; use a SeisBench dataset with records."
        )
    if list(source.component_order) != list(component_order):
        raise ValueError(
            f"{name} has the component order {source.component_order!r}, but the "
            f"windows have component_order={component_order!r}; set "
            f"{name}.component_order = {component_order!r} or give the right one."
        )
