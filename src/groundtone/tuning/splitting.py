"""A file of examples in three parts that share nothing: to train, to validate and to test.

Lines stay together that belong to one group (a field of the line), that ask nearly the same, or
that a chain of both joins. So what is measured on was not trained on, in other words neither.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundtone.errors import BadExamples, WrongUse
from groundtone.tuning.examples import examples_of, key_of, lines_of, load
from groundtone.tuning.near import clusters, near_pairs

PARTS = ("train", "validation", "test")
NAMED = 12  # fields told where one is missing


@dataclass(frozen=True, slots=True)
class Split:
    """The parts of a file.

    Attributes:
        parts: line numbers by part, in order.
        groups: how many groups were kept together, single lines counted too.
        joined: lines that stand in a group of several.
        largest: lines in the largest group.
    """

    path: Path
    parts: dict[str, list[int]]
    groups: int
    joined: int
    largest: int


def split(
    path: Path,
    *,
    validation: float = 0.1,
    test: float = 0.1,
    group: str | None = None,
    seed: int = 0,
) -> Split:
    """Decide which line goes where; the same for the same seed.

    Args:
        validation, test: shares of the lines, each from 0 and together below 1.
        group: the field that tells what belongs together; dots lead into objects
            ("provenance.document"). Lines without it are groups of their own. None: "group",
            where there is one; "": no field.

    Raises:
        WrongUse: shares that cannot be, a file that cannot be read, or a `group` that no line has.
        BadExamples: lines that are no examples; repeated questions are none of these faults.
    """
    if not (0 <= validation < 1 and 0 <= test < 1 and validation + test < 1):
        raise WrongUse(
            f"--validation {validation} and --test {test} leave nothing to train on.",
            "Choose shares from 0 that come to less than 1.",
        )
    found = load(path)
    faults = [fault for fault in found.faults if fault.kind == "form"]
    if faults:
        raise BadExamples(path, [str(fault) for fault in faults])
    numbers = sorted(found.lines)
    if not numbers:
        raise WrongUse(f"{path} holds no examples.", "Name a file of examples.")
    texts = lines_of(path)
    values = {number: json.loads(texts[number - 1]) for number in numbers}
    if group and not any(_has(value, group) for value in values.values()):
        names = sorted({name for value in values.values() for name in _names(value)})
        raise WrongUse(
            f"--group {group}: no line has such a field.",
            f"They have {', '.join(names[:NAMED])}." if names else "Leave it out.",
        )
    joined = clusters(
        len(numbers), _belonging(found.lines, values, "group" if group is None else group)
    )
    order = [[numbers[place] for place in cluster] for cluster in joined]
    random.Random(f"{seed}").shuffle(order)
    order.sort(key=len, reverse=True)  # large ones first, where there is still room for them
    wanted = {
        "train": len(numbers) * (1 - validation - test),
        "validation": len(numbers) * validation,
        "test": len(numbers) * test,
    }
    parts: dict[str, list[int]] = {name: [] for name in PARTS}
    for lines in order:
        # The part that lacks most of its share takes the group; so shares come out even.
        name = max(
            (name for name in PARTS if wanted[name]),
            key=lambda name: (wanted[name] - len(parts[name])) / wanted[name],
        )
        if len(lines) > wanted[name] - len(parts[name]) + 1:
            name = "train"  # too large for what is left to measure on
        parts[name] += lines
    several = [cluster for cluster in joined if len(cluster) > 1]
    return Split(
        path,
        {name: sorted(lines) for name, lines in parts.items()},
        groups=len(joined),
        joined=sum(map(len, several)),
        largest=max(map(len, joined)),
    )


def write(found: Split, folder: Path, *, force: bool = False) -> dict[str, Path]:
    """Write ``train.jsonl``, ``validation.jsonl``, ``test.jsonl``, lines as they were.

    A part without lines is not written.

    Raises:
        WrongUse: one of them is there already, and `force` is not given.
    """
    files = {name: folder / f"{name}.jsonl" for name, lines in found.parts.items() if lines}
    for path in files.values():
        if path.exists() and not force:
            raise WrongUse(f"{path} is there already.", "Choose another folder, or pass --force.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lines = lines_of(found.path)
        for name, path in files.items():
            part = path.with_name(path.name + ".part")
            part.write_text("".join(f"{lines[n - 1]}\n" for n in found.parts[name]), "utf-8")
            part.replace(path)
    except OSError as error:
        raise WrongUse(f"{folder} cannot be written: {error.strerror}.") from None
    return files


def _belonging(lines: dict[int, Any], values: dict[int, Any], group: str) -> list[tuple[int, int]]:
    """Pairs of places whose lines must stay together."""
    numbers = list(values)
    places = {number: place for place, number in enumerate(numbers)}
    rows = [
        (places[number], example)
        for number in numbers
        for example in examples_of(lines[number], number)
    ]
    pairs: list[tuple[int, int]] = []
    first: dict[str, int] = {}
    for place, row in rows:
        pairs.append((first.setdefault(key_of(row.question, row.history), place), place))
    asked = [" ".join([*(t["content"] for t in row.history), row.question]) for _, row in rows]
    pairs += [(rows[pair.one][0], rows[pair.other][0]) for pair in near_pairs(asked)]
    named: dict[str, int] = {}
    for number in numbers:
        value = _field(values[number], group)
        if value not in (None, ""):
            name = json.dumps(value, sort_keys=True)
            pairs.append((named.setdefault(name, places[number]), places[number]))
    return pairs


def _field(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _has(value: Any, path: str) -> bool:
    *above, last = path.split(".")
    holder = _field(value, ".".join(above)) if above else value
    return isinstance(holder, dict) and last in holder


def _names(value: dict[str, Any], above: str = "") -> Iterator[str]:
    """The fields that can group a line, as ``--group`` names them."""
    for name, held in value.items():
        if isinstance(held, dict):
            yield from _names(held, f"{above}{name}.")
        elif not isinstance(held, list):
            yield f"{above}{name}"
