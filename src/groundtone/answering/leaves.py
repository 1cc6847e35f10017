"""The leaves of a JSON value: what each claims, whether a passage says so, and the value without.

A leaf is a text, number or truth value; null and an empty text claim nothing. Short values must
*stand* in a passage sentence that is about the field or the question: numbers by value ("1,000" is
1000, "five" is 5; "one" alone is no 1), texts by their words in order. Longer texts are judged like
sentences. A truth value is judged by its field's name, and the passage sentence must be negated
just when the value is false.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundtone.answering.attribution import Attribution, Source, attribute, likeness
from groundtone.answering.evidence import Evidence, Unit
from groundtone.answering.standing import figures_stand
from groundtone.answering.support import score
from groundtone.answering.wording import turned, wording

Path = tuple[str | int, ...]
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")
_SHORT = 8  # content words up to which a text must stand as it is


@dataclass(frozen=True, slots=True)
class Claim:
    """One leaf as a sentence.

    Attributes:
        path: keys and indexes from the root.
        value: what was written there.
        text: "name: value".
    """

    path: Path
    value: Any
    text: str


def claims(value: Any, path: Path = ()) -> Iterator[Claim]:
    """Every leaf that claims something, in order.

    >>> [claim.text for claim in claims({"maxDays": 30, "who": None, "roles": ["Admin"]})]
    ['max days: 30', 'roles: Admin']
    """
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from claims(each, (*path, name))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from claims(each, (*path, index))
    elif value is not None and value != "":
        name = _name(path)
        shown = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
        yield Claim(path, value, f"{name}: {shown}" if name else shown)


def pointer(path: Path) -> str:
    """The path as a JSON pointer (RFC 6901).

    >>> pointer(("limits", 0, "a/b"))
    '/limits/0/a~1b'
    """
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def judge(claim: Claim, question: str, evidence: Evidence, below: float) -> Attribution:
    """Where a leaf stands; without sources: nowhere.

    Args:
        question: what was asked; it tells what the field is about.
        evidence: of the passages shown.
        below: support under which a longer text counts as unsupported.
    """
    value = claim.value
    if isinstance(value, bool):
        return _truth(claim, evidence, below)
    found = _standing(claim, question, evidence)
    if found is not None:
        return Attribution(score(claim.text, evidence), (found,))
    if isinstance(value, str):
        (whole,) = attribute([value], evidence)
        said = wording(value).content
        cited = frozenset().union(*(_content(source, evidence) for source in whole.sources))
        enough = whole.score >= below and figures_stand(value, whole, evidence)
        if enough and (len(said) > _SHORT or said <= cited):
            return whole
        return Attribution(whole.score, ())
    return Attribution(0.0, ())


def without(
    value: Any, lost: Sequence[Path], valid: Callable[[Any], bool]
) -> tuple[Any, dict[Path, Path | None]] | None:
    """The value without the leaves that are lost: each null where that is valid, else left out.

    An object or list of nothing but lost leaves may go as a whole.

    Returns:
        The new value, and for each leaf of the old one its path in the new (None: not there);
        None when a lost leaf can neither be null nor be left out.
    """
    cut: dict[Path, str] = {}
    known = [claim.path for claim in claims(value)]
    for path in lost:
        if any(path[: len(gone)] == gone for gone in cut):
            continue
        for length in range(len(path), 0, -1):
            whole = path[:length]
            if not all(one in lost for one in known if one[:length] == whole):
                return None  # what is supported does not go with it
            how = next(
                (how for how in ("null", "drop") if valid(_cut(value, {**cut, whole: how})[0])), ""
            )
            if how:
                cut[whole] = how
                break
        else:
            return None
    made, places = _cut(value, cut)
    return made, {path: places.get(path) for path in known}


def _cut(value: Any, cut: Mapping[Path, str]) -> tuple[Any, dict[Path, Path]]:
    places: dict[Path, Path] = {}

    def build(node: Any, old: Path, new: Path) -> Any:
        if old in cut:
            return None
        if isinstance(node, Mapping):
            return {
                name: build(each, (*old, name), (*new, name))
                for name, each in node.items()
                if cut.get((*old, name)) != "drop"
            }
        if isinstance(node, list):
            made: list[Any] = []
            for index, each in enumerate(node):
                if cut.get((*old, index)) != "drop":
                    made.append(build(each, (*old, index), (*new, len(made))))
            return made
        places[old] = new
        return node

    return build(value, (), ()), places


def _name(path: Path) -> str:
    names = [part for part in path if isinstance(part, str)]
    return " ".join(_WORDS.findall(names[-1])).lower() if names else ""


def _standing(claim: Claim, question: str, evidence: Evidence) -> Source | None:
    """The sentence that holds the value and shares most with the field and the question."""
    about = wording(f"{question} {_name(claim.path)}").content
    own = wording(str(claim.value)).content
    fit = [
        index
        for index, unit in enumerate(evidence.units)
        if _holds(claim.value, unit, evidence)
        and about & ((unit.wording.content | evidence.about[unit.passage]) - own or about)
    ]
    if not fit:
        return None
    said = f"{question} {claim.text}"
    shares = likeness(said, wording(said), evidence)
    unit = evidence.units[max(fit, key=lambda index: (shares[index], -index))]
    return Source(unit.passage, unit.start, unit.end)


def _holds(value: Any, unit: Unit, evidence: Evidence) -> bool:
    said = unit.wording
    if not isinstance(value, str):
        spelled = said.values if abs(value) > 1 else frozenset()  # "one" is mostly no number
        known = said.numbers | spelled | {total for _, total in said.scaled}
        return any(_number(figure) == value for figure in known)
    words = wording(value).words
    if not words:  # nothing but small words: as it stands
        pattern = rf"(?<!\w){re.escape(' '.join(value.split()))}(?!\w)"
        text = " ".join(evidence.unit_text(unit).split())
        return bool(value.strip()) and bool(re.search(pattern, text, re.IGNORECASE))
    at = range(len(said.words) - len(words) + 1)
    if not any(said.words[start : start + len(words)] == words for start in at):
        return False
    return wording(value).negated == said.negated or len(words) <= 3


def _number(figure: str) -> float | None:
    try:
        return float(figure)
    except ValueError:  # 4.2.1
        return None


def _truth(claim: Claim, evidence: Evidence, below: float) -> Attribution:
    """A truth value: its field's name, said or denied."""
    name = _name(claim.path)
    (found,) = attribute([name], evidence)
    support = score(name if claim.value else f"not {name}", evidence)
    if not found.sources or support < below:
        return Attribution(support, ())
    source = found.sources[0]
    text = evidence.text(source.passage)[source.start : source.end]
    said, asked = wording(text), wording(name)
    denied = (said.negated != asked.negated) != turned(asked, said)
    return Attribution(support, (source,) if denied != claim.value else ())


def _content(source: Source, evidence: Evidence) -> frozenset[str]:
    return wording(evidence.text(source.passage)[source.start : source.end]).content
