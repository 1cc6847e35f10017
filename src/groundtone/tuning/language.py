"""Which language a text is in, by its letters and its small words; "" where that does not tell.

Enough to find the German answer among English ones. A language that shares its letters with others
is told by words like "the" and "und"; a text with few of them stays undecided.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_WORD = re.compile(r"[^\W\d_]+")
_SMALL = {
    "en": "the of and to in is that it for you are with on this be as have not or by from what how "
    "can do does if when which an at will your there was but they "
    "where why who my i a we so get add",
    "de": "der die das und ist nicht ein eine zu den mit von auf für im es sich auch dem wie sie "
    "ich werden kann wird oder bei aus wenn nach einen einer des sind was",
    "fr": "le la les de des et est un une pas que dans pour qui sur vous du au avec ne ce il nous "
    "votre par sont comment cette ou plus être se je",
    "es": "el la los las de que y en un una es no se por con para su al lo como del más pero sus "
    "está qué cómo puede o si hay este cuando",
    "it": "il lo la gli di che e un una è non per in con si sono come del della le da al nel "
    "questo anche più può se alla dei ho",
    "pt": "o os as de que e em um uma é não para com por se do da no na como mais ao dos das seu "
    "sua pode ou está são quando você",
    "nl": "de het een en van is niet dat op te in voor met zijn aan er ook om hoe bij wordt kan "
    "naar als wat u worden deze of dan uw",
    "sv": "och att det som en är på för med av den till inte om har de ett kan jag du hur från "
    "vad eller så vid när",
    "pl": "i w na nie się z do to jest że jak o co po za od czy dla przez może są być tego ma "
    "który jego",
    "tr": "bir ve bu için ile ne de da mi olarak nasıl daha çok gibi var sonra kadar olan her",
}
_WORDS = {language: frozenset(words.split()) for language, words in _SMALL.items()}
_SCRIPTS = {
    "CYRILLIC": "ru",
    "GREEK": "el",
    "ARABIC": "ar",
    "HEBREW": "he",
    "HANGUL": "ko",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "CJK": "zh",
    "DEVANAGARI": "hi",
    "THAI": "th",
}
_FEW = 5  # words in which small ones can be counted


def language_of(text: str) -> str:
    """A code such as "en"; for other alphabets the commonest language that uses them.

    >>> language_of("Wie kann ich mein Passwort zurücksetzen, wenn ich es vergessen habe?")
    'de'
    >>> language_of("Settings > Account")
    ''
    """
    letters = [sign for sign in text if sign.isalpha()][:400]
    scripts = Counter(unicodedata.name(sign, "").split()[0] for sign in letters if sign > "\u02ff")
    foreign = {_SCRIPTS[name]: n for name, n in scripts.items() if name in _SCRIPTS}
    if foreign:
        if foreign.get("ja") and sum(foreign.values()) > 0.2 * len(letters):
            return "ja"
        language, count = max(foreign.items(), key=lambda item: item[1])
        # A Chinese sign says as much as a few letters, so a smaller share of them decides.
        if count > (0.2 if language in ("zh", "ko") else 0.5) * len(letters):
            return language
    words = _WORD.findall(text.casefold())
    if len(words) < _FEW:
        return ""
    said = set(words)
    counts = {name: len(said & small) for name, small in _WORDS.items()}
    (best, most), (_, second) = sorted(counts.items(), key=lambda item: -item[1])[:2]
    return best if most >= 3 and most >= 1.4 * second and most / len(said) >= 0.15 else ""
