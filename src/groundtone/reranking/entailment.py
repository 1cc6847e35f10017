"""A cross-encoder used to say whether a text bears a statement out: NLI, HHEM and their like.

Which of its numbers means entailment stands in ``config.json`` under ``id2label``; models disagree
about the order, so it is never guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundtone.errors import EngineError, WrongUse
from groundtone.reranking.contract import CrossEncoder, Pair

NAMES = frozenset(
    {"entailment", "entails", "entailed", "supports", "supported", "consistent", "factual"}
)


class Entailment:
    """An ``Entailer``; see there.

    Args:
        model: reads (text, statement).
        labels: what each of its numbers means, from `read_labels`.
    """

    def __init__(self, model: CrossEncoder, labels: Sequence[str]) -> None:
        self._model = model
        self._labels = tuple(labels)
        self._place = place(labels)

    def entailed(self, pairs: Sequence[Pair]) -> list[float]:
        """See ``Entailer``.

        Raises:
            EngineError: the model gives another number of values than it has labels, or values
                that are no numbers.
        """
        if not pairs:
            return []
        logits = self._model.logits(pairs)
        if logits.shape[1] != len(self._labels) or not np.isfinite(logits).all():
            raise EngineError(
                f"The checker gave {logits.shape[1]} values a text, of which its config.json names "
                f"{len(self._labels)}, or values that are no numbers.",
                "Download the model again.",
            )
        if len(self._labels) == 1:
            chances = 1 / (1 + np.exp(-np.clip(logits[:, 0], -60, 60)))
        else:
            raised = np.exp(logits - logits.max(axis=1, keepdims=True))
            chances = raised[:, self._place] / raised.sum(axis=1)
        return [float(chance) for chance in chances]


def read_labels(folder: Path) -> tuple[str, ...]:
    """What each number of a model means, from the ``config.json`` in its folder.

    Raises:
        WrongUse: there is none, or it has no usable ``id2label``.
    """
    path = folder / "config.json"
    try:
        config: Any = json.loads(path.read_text("utf-8"))
    except OSError:
        raise WrongUse(
            f"{folder} holds no config.json, which says what a checker's numbers mean.",
            "Download the whole model.",
        ) from None
    except ValueError as error:
        raise WrongUse(f"{path} is not JSON: {error}.", "Download it again.") from None
    named = config.get("id2label") if isinstance(config, dict) else None
    named = named if isinstance(named, dict) else {}
    wanted = [str(number) for number in range(len(named))]
    if not wanted or set(named) != set(wanted):
        raise WrongUse(
            f"{path} has no id2label that names the model's numbers from 0 on.",
            'Add it, for instance "id2label": {"0": "contradiction", "1": "neutral", '
            '"2": "entailment"}, in the order that the model was trained with.',
        )
    return tuple(str(named[number]) for number in wanted)


def place(labels: Sequence[str]) -> int:
    """Which number means entailment: the one so named, or the only one (as HHEM has it).

    >>> place(["Contradiction", "ENTAILMENT", "neutral"]), place(["LABEL_0"])
    (1, 0)

    Raises:
        WrongUse: none of several is named so, or more than one.
    """
    if len(labels) == 1 and not re.match(r"(?i)not|contra|halluc", labels[0]):
        return 0
    found = [n for n, label in enumerate(labels) if label.strip().lower() in NAMES]
    if len(found) == 1:
        return found[0]
    raise WrongUse(
        f"The checker's labels ({', '.join(labels)}) do not say which one means entailment.",
        "Name it `entailment` under id2label in its config.json, or name another model.",
    )
