"""Text as a word index should see it: the same function for documents and for questions.

Stores split words at every mark: ``ERR-1042`` is found, but no better than "err" and "1042" far
apart. So compounds are added once more as one word (``err1042``), and scripts without spaces as
pairs of characters. Splitting camel case, and joining neighbouring words of a question, were tried
and lowered MRR (docs/retrieval.md): they make common words of rare ones, or the other way round.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST = 64  # a longer "word" is data (base64, a hash of hashes): indexing it helps nobody
QUERY_WORDS = 200

# Begins only where a word begins: tried at each letter, a very long word would take minutes.
_COMPOUND = re.compile(r"(?<![^\W_])[^\W_]++(?:[-_.:/@][^\W_]++)+")
_MARK = re.compile(r"[-_.:/@]")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\u0e00-\u0e7f]{2,}")
_WORD = re.compile(r"\S+")


def indexed(text: str) -> str:
    """A window's words, and the further forms that they should be found by."""
    plain = _plain(text)
    return " ".join([plain, *_forms(plain)])


def asked(question: str) -> str:
    """A question's words, each once, and their further forms; at most `QUERY_WORDS` of each.

    Repeating a word would only weigh it more, and a pasted log would search for minutes.
    """
    words = [match.group() for match in _WORD.finditer(question, 0, 100 * QUERY_WORDS)]
    plain = list(dict.fromkeys(_plain(" ".join(words)).split()))[:QUERY_WORDS]
    return " ".join([*plain, *_forms(" ".join(plain))[:QUERY_WORDS]])


def _plain(text: str) -> str:
    """Compatible forms made equal, case folded ("GRÖSSE" is "größe"), lone surrogates dropped."""
    text = text.encode("utf-8", "ignore").decode("utf-8")
    return unicodedata.normalize("NFKC", text).casefold()


def _forms(text: str) -> list[str]:
    forms: dict[str, None] = {}
    for match in _COMPOUND.finditer(text):
        whole = _MARK.sub("", match.group())
        if len(whole) <= LONGEST:
            forms[whole] = None
    for match in _UNSPACED.finditer(text):
        run = match.group()
        forms.update(dict.fromkeys(run[at : at + 2] for at in range(len(run) - 1)))
    return list(forms)
