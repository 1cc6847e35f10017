"""DoRA adapters as plain LoRA matrices, which is what llama.cpp applies.

DoRA (Liu et al. 2024, arXiv 2402.09353) scales each row of the changed weight to a learned length:
W' = m (W + sBA) / ‖W + sBA‖. The difference W' − W has full rank, so it is written whole: one of
the two matrices is the difference, the other the identity. Exact, and as large as the base's own
matrix.
"""

from __future__ import annotations

import numpy as np

MAGNITUDE = ".lora_magnitude_vector"


def difference(
    weight: np.ndarray, a: np.ndarray, b: np.ndarray, scale: float, magnitude: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A and B with B @ A = W' − W, for a scale of 1.

    Args:
        weight: the base's [out, in].
        a, b: the adapter's [rank, in] and [out, rank].
        scale: what B @ A is multiplied by.
        magnitude: the rows' learned lengths [out].
    """
    changed = weight + np.float32(scale) * (b @ a)
    lengths = np.linalg.norm(changed, axis=1)
    whole = (magnitude / lengths)[:, None] * changed - weight
    rows, columns = weight.shape
    if columns <= rows:
        return np.eye(columns, dtype=np.float32), whole.astype(np.float32)
    return whole.astype(np.float32), np.eye(rows, dtype=np.float32)
