"""Which split a record belongs to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

#: SeisBench's names, in the order of the shares.
SPLITS = ("train", "dev", "test")


def check_shares(shares: Sequence[float]) -> tuple[float, float, float]:
    """
    :param shares: Shares of train, dev and test
    :raises ValueError: if they are not three shares that add up to 1
    """
    try:
        shares = tuple(float(share) for share in shares)
    except (TypeError, ValueError):
        raise ValueError(
            f"split={shares!r} must be three shares: train, dev and test."
        ) from None
    if len(shares) != 3 or any(not 0 <= s <= 1 for s in shares):
        raise ValueError(
            f"split={shares} must be three shares from 0 to 1: train, dev and test."
        )
    if abs(sum(shares) - 1) > 1e-6:
        raise ValueError(
            f"split={shares} adds up to {sum(shares):g}; the shares of train, dev and "
            "test must add up to 1."
        )
    return shares


@lru_cache(maxsize=1024)
def split_of_event(event: str, shares: tuple[float, ...], seed: int) -> str:
    """
    Split of an event. It hangs on the event's name and the seed alone: parts can be
    converted one by one, on several machines, and no event gets into two splits.

    :param event: Name of the event
    :param shares: Shares of train, dev and test
    :param seed: Seed
    :return: train, dev or test
    """
    digest = hashlib.blake2b(f"{seed}:{event}".encode(), digest_size=8).digest()
    return _split_at(int.from_bytes(digest, "big") / 2**64, shares)


def split_of_place(place: int, number: int, shares: tuple[float, ...]) -> str:
    """
    Split by the order of records, as in the tutorial: the first share trains.

    :param place: Place of the record among all, from 0
    :param number: Number of all records
    :param shares: Shares of train, dev and test
    :return: train, dev or test
    """
    return _split_at((place + 0.5) / number, shares)


def _split_at(position: float, shares: tuple[float, ...]) -> str:
    edge = 0.0
    for name, share in zip(SPLITS, shares, strict=True):
        edge += share
        if share > 0 and position < edge:
            return name
    # The sum of the shares may be rounded to less than 1.
    return [name for name, share in zip(SPLITS, shares, strict=True) if share > 0][-1]
