"""Text as a word index should see it: the same function for documents and for questions.

Words are stemmed here, so that every store compares the same forms and a question's words can be
looked up in a hit's. Stores split words at every mark: ``ERR-1042`` would be found, but no better
than "err" and "1042" far apart. So compounds are added once more as one word (``err1042``), and
scripts without spaces as pairs of characters. What was tried is in docs/retrieval.md, made by
bench/words.py.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from threading import Lock
from typing import Any

LONGEST = 64  # a longer "word" is data (base64, a hash of hashes): indexing it helps nobody
QUERY_WORDS = 200

# Begins only where a word begins: tried at each letter, a very long word would take minutes.
_COMPOUND = re.compile(r"(?<![^\W_])[^\W_]++(?:[-_.:/@][^\W_]++)+")
_MARK = re.compile(r"[-_.:/@]")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\u0e00-\u0e7f]{2,}")
_SPACED = re.compile(r"\S+")
_WORD = re.compile(r"[^\W_]+")
_LOCK = Lock()
_STOP = frozenset(
    word
    for line in (
        "a an the and or but nor so if then than that this these those there here it its as at by",
        "for from in into of on onto to with without within be is are was were been being am do",
        "does did done has have had having can could will would shall should may might must i me",
        "my we us our you your he him his she her they them their who whom whose which what when",
        "where why how also just such very too any some each other only own same about s t",
    )
    for word in line.split()
)


def indexed(text: str) -> str:
    """A window's stems in their order, then on a line of their own the further forms that it
    should be found by."""
    plain = _plain(text)
    forms = _forms(plain)
    return f"{' '.join(_stems(plain))}\n{' '.join(forms)}" if forms else " ".join(_stems(plain))


def asked(question: str) -> str:
    """A question's stems, each once, and their further forms; at most `QUERY_WORDS` of each.

    Stop words are left out where anything else is asked: documents keep theirs, so that a question
    of nothing else finds them too. Repeating a word would only weigh it more, and a pasted log
    would search for minutes.
    """
    told = dict.fromkeys(word for word in telling(question) if word)
    plain = _beginning(question)
    words = list(told or dict.fromkeys(_stems(plain)))[:QUERY_WORDS]
    return " ".join([*words, *_forms(plain)[:QUERY_WORDS]])


def telling(question: str) -> list[str]:
    """The stems of a question's words that are no stop words, in their order; an empty text stands
    where a stop word was."""
    words = [word for word in _WORD.findall(_beginning(question)) if len(word) <= LONGEST]
    return ["" if word in _STOP else stem(word) for word in words[:QUERY_WORDS]]


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """The stem of a case-folded word, without accents, by Porter's second stemmer for English.

    Words of other languages lose at most an ending that looks English, in documents and questions
    alike.
    """
    stemmer = _stemmer()
    with _LOCK:  # a stemmer keeps the word that it works on
        return str(stemmer.stemWord(_unaccented(word)))


@cache
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("english")


def _stems(plain: str) -> list[str]:
    return [stem(word) for word in _WORD.findall(plain) if len(word) <= LONGEST]


def _beginning(question: str) -> str:
    """At most `QUERY_WORDS` different words, and whole."""
    words = (found.group() for found in _SPACED.finditer(question, 0, 100 * QUERY_WORDS))
    return " ".join(list(dict.fromkeys(_plain(" ".join(words)).split()))[:QUERY_WORDS])


def _plain(text: str) -> str:
    """Compatible forms made equal, case folded ("GRÖSSE" is "größe"), lone surrogates dropped."""
    text = text.encode("utf-8", "ignore").decode("utf-8")
    return unicodedata.normalize("NFKC", text).casefold()


def _forms(text: str) -> list[str]:
    forms: dict[str, None] = {}
    for match in _COMPOUND.finditer(text):
        whole = _MARK.sub("", match.group())
        if len(whole) <= LONGEST:
            forms[_unaccented(whole)] = None
    for match in _UNSPACED.finditer(text):
        run = match.group()
        forms.update(dict.fromkeys(run[at : at + 2] for at in range(len(run) - 1)))
    return list(forms)


def _unaccented(word: str) -> str:
    if word.isascii():
        return word
    parts = unicodedata.normalize("NFKD", word)
    kept = "".join(part for part in parts if not unicodedata.combining(part))
    return unicodedata.normalize("NFC", kept) or word
