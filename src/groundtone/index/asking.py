"""What the stores behind a client or a server share: checked vectors, and calls tried again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")
Item = TypeVar("Item")
TRIES = 4
FIRST_WAIT = 0.2  # seconds; doubled each time, with jitter so that callers do not come at once


def checked(vector: np.ndarray, dimensions: int) -> np.ndarray:
    """The vector as float32.

    Raises:
        ValueError: it has another length, or a value that is no number.
    """
    import numpy as np

    vector = np.asarray(vector, dtype=np.float32)
    if vector.shape != (dimensions,):
        raise ValueError(f"a vector of shape {vector.shape} in an index of {dimensions}")
    if not np.isfinite(vector).all():
        raise ValueError("a vector with values that are no numbers")
    return vector


def batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """The items, so many at a time (itertools.batched begins with Python 3.12)."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def tried_again(call: Callable[[], T], lost: Callable[[Exception], bool]) -> T:
    """The call's result; a call that was lost on the way is made again, at most `TRIES` times.

    Args:
        lost: whether an error means that the server was away or too busy, not that it said no.
    """
    for attempt in range(1, TRIES):
        try:
            return call()
        except Exception as error:
            if not lost(error):
                raise
            time.sleep(random.uniform(0.5, 1.0) * FIRST_WAIT * 2**attempt)
    return call()


def first_line(error: BaseException) -> str:
    """What an error says, short enough for a message."""
    return (str(error).strip() or type(error).__name__).partition("\n")[0][:300]
