"""What the rules that draft questions share: what they find, their words, and letters' case."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Found:
    """A question, its answer in the document's words, and where these stand in the text.

    Attributes:
        rule: which one made it.
        start, end: span of the sentence or row in the text.
    """

    rule: str
    question: str
    answer: str
    start: int
    end: int


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


VERBS = _words(
    "accept activate add allow answer apply approve archive ask assign attach avoid back block "
    "book bring build buy call cancel change check choose clean clear close collect combine "
    "compare configure confirm connect convert copy correct create customise customize "
    "deactivate debug define delete deploy describe disable disconnect display download drain "
    "edit empty enable end erase escalate export extend fetch filter find finish fix follow "
    "force forward get give grant group hide ignore import include increase inspect install "
    "invite join keep leave limit link list load lock log look lower make manage mark merge "
    "monitor mount move mute open order pack paste pause pay pick pin place plan post prevent "
    "print produce protect publish put raise reach read rebuild receive record reduce refresh "
    "refuse register release reload remove rename renew reopen reorder repair repeat replace "
    "report request rescue reserve reset resize resolve restart restore restrict resume return "
    "reuse reveal review revoke rotate run save scale scan schedule search see select send "
    "separate set share show shrink sign skip sort specify split start stop store submit "
    "subscribe swap switch sync test tick track transfer trust try turn undo uninstall unlock "
    "unpin update upgrade upload use validate verify view wait watch write"
)
IMPERATIVE = VERBS | _words("go enter press click tap type drag hold")
MARK = "\x00"  # stands before a word whose case depends on the document
VAGUE = _words(
    "it they this these those that there here he she we you such both all each one ones some "
    "many several few most others another either neither then also so thus otherwise however "
    "but and or if when while after before once until because since for to in on at by with "
    "without during from as only every no not nothing what which who how where why i please "
    "note example further more"
)
POINTS = re.compile(
    r"\b(?:following|above|below|this|these|those|that way|as well|here|there|also|again|too|"
    r"then|instead|otherwise|therefore|it|its|they|them|their|he|she|such|same|others?|another|both|"
    r"latter|former|as follows|see|example|figure|step)\b",
    re.IGNORECASE,
)


def plain(text: str) -> str:
    """Text without Markdown's marks: links, emphasis, escapes, code."""
    text = re.sub(r"(?<!!)\[([^\[\]]+)\]\([^()\s]+\)", lambda m: m[1].strip(), text)
    text = re.sub(r"\\([\\`*_{}\[\]()#+\-.!|>~<])", lambda m: f"\x01{ord(m[1])}\x01", text)
    text = re.sub(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1", r"\2", text)
    text = re.sub(r"(?<![\w*])([*_])(?=\S)([^*_]+?)(?<=\S)\1(?![\w*])", r"\2", text)
    text = re.sub(r"`([^`]+)`", r"\1", text)
    return re.sub(r"\x01(\d+)\x01", lambda m: chr(int(m[1])), text)


def usable(said: str) -> bool:
    """Whether a sentence is whole, of ordinary length, and points at nothing outside itself."""
    words = said.split()
    return (
        5 <= len(words) <= 30
        and said.endswith(".")
        and said[0].isupper()
        and not POINTS.search(said)
        and not re.search(r": |\bsuppose\b|\[[^\]]*\]\(|\{\{|https?://\S+\s*$|\|", said)
    )


def subject_of(text: str) -> str:
    """A subject as it stands in a question; "" for one that does not say what it is."""
    text = text.strip()
    words = text.split()
    if not words or len(words) > 9 or words[0].lower() in VAGUE or POINTS.search(text):
        return ""
    if re.search(r"\b(?:that|which|who|whose|when|where|and|or)$", text):
        return ""
    if re.search(r"\b(?:you|we|so|that|which|now|if)\b|ly$", text):
        return ""  # more than a subject
    if re.fullmatch(r"The [a-z]+", text):
        return ""  # which one, only the text around it says
    return lowered(text)


def lowered(text: str) -> str:
    """The text with its first word marked: in lower case, unless the document has it as a name."""
    first, gap, rest = text.partition(" ")
    if first[1:] != first[1:].lower() or not first.isalpha():
        return text
    if first.lower() in ("a", "an", "the") or first.lower() in VERBS:
        return f"{first.lower()}{gap}{rest}"
    return f"{MARK}{text}"


def cased(text: str, names: frozenset[str]) -> str:
    """The marked words decided: those that the document has as names keep their capital."""
    return re.sub(
        rf"{MARK}(\w+)", lambda match: match[1] if match[1] in names else match[1].lower(), text
    )


def low_names(text: str) -> str:
    """The text with a small first letter, unless its first word is written in capitals."""
    return text[0].lower() + text[1:] if text[1:2].islower() else text
