"""Whether what a sentence says stands where it says it does: in ``strict`` without exception.

Support is a chance, and a sentence with one wrong figure may have a good one. So every figure is
looked up in the passages cited, and where passage sentences say nearly the same, one of them must
hold it; and no name may stand in the place of another (`alignment`). On ClapNQ's sentences
(`bench/support.py`) the second rule drops a quarter of the changed ones with figures that the
score lets pass, and 1 of 303 true ones.
"""

from __future__ import annotations

import re

from groundtone.answering.alignment import swapped
from groundtone.answering.attribution import Attribution
from groundtone.answering.evidence import Evidence, Unit
from groundtone.answering.joining import joined
from groundtone.answering.statements import cells
from groundtone.answering.support import echoes
from groundtone.answering.wording import Wording, figures, missing_quantities, wording

_CODE = re.compile(r"\b([A-Z]{2,})[-_](\d+)\b")
_NAMED = re.compile(r"([^\W\d_]+)[\s:#-]*(\d+)\b")


def stands(sentence: str, attribution: Attribution, evidence: Evidence) -> bool:
    """Whether the figures of a sentence stand, each somewhere with the unit that it has, what it
    says together stands together, and nothing in it stands in another's place."""
    return (
        not missing_quantities(wording(sentence), evidence.whole)
        and figures_stand(sentence, attribution, evidence)
        and not swapped(sentence, evidence)
        and joined(sentence, evidence)
    )


def figures_stand(sentence: str, attribution: Attribution, evidence: Evidence) -> bool:
    """Whether every figure of a sentence stands, in digits, in a passage that it cites, and none
    stands in the place of another (`displaced`)."""
    texts = [evidence.text(index) for index in {source.passage for source in attribution.sources}]
    return _stand(sentence, texts) and not displaced(sentence, evidence)


def displaced(sentence: str, evidence: Evidence) -> bool:
    """Whether the figures of a sentence are another's.

    That is so where passage sentences that say nearly the same hold figures of its kind, and none
    of them these; and where the rows of a table that it is about hold others under the names that
    it gives them.
    """
    said = wording(sentence)
    if not said.values:
        return False
    same = echoes(said, evidence)
    if any(said.values <= one.wording.values for one in same if not one.header):
        return False
    rows = [one for one in evidence.units if one.header and _key(one, evidence) <= said.content]
    own = [row for row in rows if said.values <= row.wording.values]
    if own:
        return all(_beside(said, row, evidence) for row in own)
    tables = {(row.passage, row.header) for row in rows}
    told = said.values.difference(*(_key(row, evidence) for row in rows))
    if told and any(
        told <= one.wording.values for one in evidence.units if (one.passage, one.header) in tables
    ):
        return True  # of a row about something else
    units = {unit for _, unit in said.quantities}
    return not any(said.values <= one.wording.values for one in same) and any(
        one.wording.values
        and not one.wording.values & said.values
        and (not units or units & {unit for _, unit in one.wording.quantities})
        for one in same
    )


def _key(row: Unit, evidence: Evidence) -> frozenset[str]:
    """What a row is about: the words of its first cell. A row without any is about nothing."""
    return wording(next(iter(cells(evidence.unit_text(row))), "")).content or frozenset({""})


def _beside(said: Wording, row: Unit, evidence: Evidence) -> bool:
    """Whether a figure stands in a row under another name than the sentence gives it."""
    columns, held = cells(row.header), cells(evidence.unit_text(row))
    if len(columns) != len(held):
        return False
    about = [wording(name).content for name in columns]
    values = [wording(cell).values for cell in held]
    named = [bool(words) and words <= said.content for words in about]
    if not any(named[at] and values[at] for at in range(1, len(held))):
        return False
    return any(
        not any(named[at] for at in range(len(held)) if figure in values[at])
        for figure in said.values - values[0]
    )


def _stand(sentence: str, texts: list[str]) -> bool:
    """A figure inside a code (``ERR-1042``) is the code's: 1042 alone does not stand there, but
    "error 1042" does."""
    codes = set().union(*map(_codes, texts))
    bare = set().union(*(figures(_CODE.sub(" ", text)) for text in texts))
    if not all(code in codes or code[1] in bare for code in _codes(sentence)):
        return False
    named = [(name.lower(), figure) for name, figure in _NAMED.findall(sentence)]
    return all(
        any(
            f == figure and name.startswith(code)
            for name, f in named
            for code, g in codes
            if g == f
        )
        for figure in figures(_CODE.sub(" ", sentence)) - bare
    )


def _codes(text: str) -> set[tuple[str, str]]:
    return {(letters.lower(), digits) for letters, digits in _CODE.findall(text)}
