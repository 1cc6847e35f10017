"""How near an answer is to its gold answers. Pure functions, no dependency, linear or near it.

Citation labels are part of the form, not of the content: pass the answer's text *without* them.
Several gold answers are alternatives, and the best one counts, except where a function says
otherwise. Every function asks for at least one gold answer.

**Normalisation** follows SQuAD's script (Rajpurkar et al. 2016): lower case, no punctuation, no
articles, single spaces. Two things differ, because answers from documentation are full of
identifiers that SQuAD would mangle ("4.2.1" and "421" are not the same version):

* ``.  /  :  _  @`` stay where they join letters or digits: ``4.2.1``, ``config.yaml``,
  ``apps/v1``, ``8080:80``, ``max_tokens``. A minus sign stays before a number.
* a hyphen splits words (``read-only`` is ``read only``, ``30-day`` is ``30 day``), but stays in a
  token that is an identifier (``us-east-1``, ``2024-01-31``, ``node.kubernetes.io/not-ready``).
  A comma inside a number goes (``1,000`` is ``1000``).

Scripts without spaces between words (Chinese, Japanese) give one token per character. Marks stay
with their letter (`marks`), in the order and composition of NFKC.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

from groundtone.marks import MARKS

_ARTICLES = frozenset(("a", "an", "the"))
_STOP = frozenset(
    word
    for line in (
        "a an the and or but nor so if then than that this these those there here it its as at",
        "by for from in into of on onto to with without within be is are was were been being am",
        "do does did done has have had having can could will would shall should may might must",
        "i me my we us our you your he him his she her they them their who whom whose which what",
        "when where why how also just such very too any some each other only own same about",
    )
    for word in line.split()
)
_APOSTROPHES = re.compile("['\u2018\u2019\u02bc`´]")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(
    rf"[{_CJK}]"
    r"|(?:(?<![^\s(\[{,;:=<>])[-\u2212](?=\d))?"  # a minus sign, not a hyphen
    rf"[^\W_{_CJK}][{MARKS}]*+(?:[./:_@-]*[^\W_{_CJK}][{MARKS}]*+)*"
    r"(?:(?<=\bc)(?:\+\+|#))?"  # C++ and C# are not C
)
_MEASURE = re.compile(rf"\d+(?:-(?:[^\W\d_][{MARKS}]*+)+)+")
_IDENTIFIER = re.compile(r"[\d./:_@]")
_DASHES = re.compile("[\u2010\u2011\u2012\u2013\u2014\u2015]")
_ROUGE = re.compile(rf"(?:[^\W_][{MARKS}]*+)+")


def normalise(text: str) -> str:
    """The text's tokens joined by single spaces; "" when it holds no word and no number.

    >>> normalise("The answer: Version 4.2.1, in “config.yaml”!")
    'answer version 4.2.1 in config.yaml'
    """
    return " ".join(tokens(text))


def tokens(text: str) -> list[str]:
    """Normalised tokens (see the module's text). A text of nothing but articles keeps them."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = _THOUSANDS.sub("", _APOSTROPHES.sub("", text))
    # A dash between spaces is punctuation, between letters it is a hyphen in another coat.
    text = _DASHES.sub("-", text)
    # What went may have stood between a letter and its mark, and folding case parts some.
    text = unicodedata.normalize("NFKC", text)
    found: list[str] = []
    for match in _TOKEN.finditer(text):
        token = match.group().replace("\u2212", "-")
        body = token[1:] if token.startswith("-") else token
        if "--" in body:  # two hyphens are a dash, not part of a name
            found.extend(part for piece in body.split("--") for part in _unhyphen(piece))
        elif "-" in body:
            found.extend(_unhyphen(token))
        else:
            found.append(token)
    kept = [token for token in found if token not in _ARTICLES]
    return kept or found


def _unhyphen(token: str) -> list[str]:
    if "-" not in token.lstrip("-"):
        return [token] if token else []
    if _MEASURE.fullmatch(token) or not _IDENTIFIER.search(token):
        return [part for part in token.split("-") if part]
    return [token]


def exact_match(answer: str, golds: Sequence[str]) -> bool:
    """Whether the normalised answer equals a normalised gold answer."""
    found = tokens(answer)
    return any(found == tokens(gold) for gold in _some(golds))


def token_f1(answer: str, golds: Sequence[str]) -> float:
    """SQuAD's F1 over bags of normalised tokens, 0 to 1, best gold answer."""
    found = tokens(answer)
    return max(_f1(found, tokens(gold)) for gold in _some(golds))


def _f1(found: list[str], gold: list[str]) -> float:
    if not found or not gold:
        return float(found == gold)
    common = (Counter(found) & Counter(gold)).total()
    return 2 * common / (len(found) + len(gold))


def contains_gold(answer: str, golds: Sequence[str]) -> bool:
    """Whether some gold answer stands in the answer as one unbroken run of normalised tokens."""
    found = tokens(answer)
    return any(_within(tokens(gold), found) for gold in _some(golds))


def all_gold_words(answer: str, golds: Sequence[str]) -> bool:
    """Whether every word of the *first* gold answer that is not a stop word is in the answer.

    A gold answer of nothing but stop words ("It is not.") needs all of them.
    """
    gold = set(tokens(_some(golds)[0]))
    wanted = gold - _STOP or gold
    return bool(wanted) and wanted <= set(tokens(answer))


def correct(answer: str, golds: Sequence[str]) -> bool:
    """One yes or no: an exact match with any gold answer, or the shortest gold answer contained.

    The shortest (fewest tokens, the first among equals) is the bare fact, which a good answer must
    state whatever words it puts around it. Where even the shortest gold answer is a long sentence
    this is nearly always False: read :func:`token_f1` there.
    """
    shortest = min(_some(golds), key=lambda gold: len(tokens(gold)))
    return exact_match(answer, golds) or contains_gold(answer, [shortest])


def rouge_l(answer: str, golds: Sequence[str]) -> float:
    """ROUGE-L F1 (Lin 2004), 0 to 1, best gold answer.

    Tokens are runs of letters, their marks and digits, lower case (NFC), without stemming: on ASCII
    text the very numbers of the ``rouge-score`` package, and on other scripts something instead of
    nothing.
    """
    found = _runs(answer)
    return max(_rouge_l(found, _runs(gold)) for gold in _some(golds))


def _runs(text: str) -> list[str]:
    return _ROUGE.findall(unicodedata.normalize("NFC", text.lower()))


def _rouge_l(found: list[str], gold: list[str]) -> float:
    if not found or not gold:
        return 0.0
    return 2 * _common_subsequence(found, gold) / (len(found) + len(gold))


def _common_subsequence(left: list[str], right: list[str]) -> int:
    """Length of the longest one, by bits of whole numbers (Hyyrö 2004)."""
    places: dict[str, int] = {}
    for place, token in enumerate(left):
        places[token] = places.get(token, 0) | 1 << place
    full = (1 << len(left)) - 1
    row = full
    for token in right:
        hit = row & places.get(token, 0)
        row = (row + hit | row - hit) & full
    return len(left) - row.bit_count()


def _within(needle: list[str], hay: list[str]) -> bool:
    if not needle:
        return False
    width = len(needle)
    return any(hay[at : at + width] == needle for at in range(len(hay) - width + 1))


def _some(golds: Sequence[str]) -> Sequence[str]:
    if isinstance(golds, str) or not golds:
        raise ValueError("golds must be a sequence of at least one gold answer")
    return golds


METRICS: dict[str, Callable[[str, Sequence[str]], float | bool]] = {
    "correct": correct,
    "em": exact_match,
    "f1": token_f1,
    "contains": contains_gold,
    "all_words": all_gold_words,
    "rouge_l": rouge_l,
}
