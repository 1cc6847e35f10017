"""Follow-up questions made to stand alone, by rules; and a memory with an edge that is told.

"Why?", "What about guests?", "Show me" find nothing by themselves. Such a question is searched
together with the question it follows. A question that names its own subject is left alone, so that
a new topic does not drag the old one along.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from groundtone.answering.wording import wording
from groundtone.errors import WrongUse

Message = dict[str, str]

_POINTS_BACK = re.compile(
    r"\b(?:it|its|they|them|their|theirs|that|those|these|this|he|she|him|her|his|there)\b",
    re.IGNORECASE,
)
_COMPARES = re.compile(
    r"\b(?:ones?|same|instead|else|another|former|latter|either|neither)\b", re.IGNORECASE
)
# Pronouns that point nowhere: "is there …", "how long does it take to …".
_POINTS_NOWHERE = re.compile(
    r"\b(?:is|are|was|were)\s+there\b|\bthere\s+(?:is|are|was|were)\b|"
    r"\bthis\s+(?:product|manual|documentation|software|page)\b|"
    r"\bis\s+it\s+(?:\w+\s+){1,2}(?:to|that|for|if)\b|"
    r"\b(?:does|did|do)\s+it\s+(?:mean|cost|take)\s+to\b",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    r"^\W*(?:and|but|or|so|also|then|what\s+about|how\s+about|what\s+if|what\s+else|how\s+come|"
    r"how\s+so|for\s+example|in\s+which\s+case|show\s+me\W*$|tell\s+me\s+more|go\s+on|"
    r"are\s+you\s+sure|since\s+when|who\s+says|where\s+does\s+it\s+say|which\s+ones?)\b",
    re.IGNORECASE,
)
_DEFINES = re.compile(r"^\W*(?:what|who)\s+(?:is|are|was|were|does)\b", re.IGNORECASE)
# What may stand before a "that" which points; after a noun it only joins.
_BEFORE_POINTING = re.compile(
    r"(?:^|[,;:]|\b(?:is|are|was|does|do|did|can|could|will|would|should|may|must|of|to|for|in|on|"
    r"at|by|from|with|about|like|after|before|if|when|why|how))\W*$",
    re.IGNORECASE,
)
_BARE = 2  # so few content words say nothing alone


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a conversation brings to a question.

    Attributes:
        asked: the question as it was asked.
        searched: the question as it is searched: itself, or with what it follows.
        history: the earlier turns that are still known, oldest first.
        forgotten: how many earlier turns no longer fit.
    """

    asked: str
    searched: str
    history: tuple[Message, ...]
    forgotten: int


def remember(
    question: str,
    history: Sequence[Message],
    *,
    count: Callable[[str], int] | None = None,
    tokens: int = 600,
) -> Remembered:
    """Read a question in its conversation.

    Args:
        question: the new question.
        history: earlier messages (role "user" or "assistant", content), oldest first.
        count: tokens of a text; None counts words.
        tokens: room for the earlier turns; the oldest are forgotten first.

    Raises:
        WrongUse: a message of the history without role or content.
    """
    check(history)
    size = count or (lambda text: len(text.split()))
    kept: list[Message] = []
    room = tokens
    for message in reversed(history):
        room -= size(message["content"]) + 4
        if room < 0:
            break
        kept.insert(0, dict(message))
    while kept and kept[0]["role"] != "user":
        kept.pop(0)  # an answer without its question tells nothing
    asked = [m["content"] for m in history if m["role"] == "user"]
    known = [m["content"] for m in kept if m["role"] == "user"]
    return Remembered(question, condense(question, known), tuple(kept), len(asked) - len(known))


def condense(question: str, earlier: Sequence[str]) -> str:
    """The question as it should be searched.

    >>> condense("Why?", ["How do I reset my password?"])
    'How do I reset my password? Why?'
    >>> condense("How large may a photo be?", ["How do I reset my password?"])
    'How large may a photo be?'
    """
    if not earlier or not follows(question):
        return question
    # The question before may itself have followed: go back to one that stood alone.
    topic = condense(earlier[-1], earlier[:-1])
    words = topic.split()
    if len(words) > 60:
        topic = " ".join(words[-60:])
    return f"{topic} {question.strip()}"


def follows(question: str) -> bool:
    """Whether a question needs what was said before it."""
    if _GOES_ON.match(question):
        return True
    said = wording(question)
    if len(said.content) < (1 if _DEFINES.match(question) else _BARE) and not said.values:
        return True
    if len(said.content) <= _BARE and _COMPARES.search(question):
        return True
    text = _POINTS_NOWHERE.sub(" ", question)
    back = _POINTS_BACK.search(text)
    if back is None:
        return False
    before = wording(text[: back.start()])
    if back.group().lower() == "that" and not _BEFORE_POINTING.search(text[: back.start()]):
        return False  # "the factors that affect …"
    # What stands before the pronoun may be what it means: "If a step fails, what happens to it?"
    return len(before.content) < _BARE


def check(history: Sequence[Message]) -> None:
    """Raise WrongUse unless every message has a role and a content.

    Raises:
        WrongUse: naming the message.
    """
    for number, message in enumerate(history, 1):
        if not isinstance(message, dict) or message.get("role") not in ("user", "assistant"):
            raise WrongUse(
                f"Message {number} of the history is neither from the user nor the assistant.",
                'Write {"role": "user" or "assistant", "content": "…"}.',
            )
        if not isinstance(message.get("content"), str):
            raise WrongUse(f"Message {number} of the history has no text in 'content'.")
