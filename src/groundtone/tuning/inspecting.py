"""What is worth a look in a file of examples, beyond its form.

Questions asked twice in nearly the same words, and whether their answers agree; what stands in the
held-out files too; private data; answers in another language or of another length than the rest;
too many refusals; answers that break the style that most keep. Each finding is a `Fault` with its
line, field and remedy. Secrets are faults: they must not be trained on. All else warns.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from groundtone.answering import labels
from groundtone.answering.refusal import is_refusal
from groundtone.answering.wording import wording
from groundtone.sentences import split
from groundtone.tuning import private
from groundtone.tuning.chat_format import Fault
from groundtone.tuning.examples import Example, Examples, key_of, questions_of
from groundtone.tuning.language import language_of
from groundtone.tuning.near import near_pairs

REFUSALS = 0.30
"""Above this share of refusals a model learns to refuse."""
FAR = 3.5  # median absolute deviations on a logarithmic scale that make a length an outlier
TIMES = 3.5  # so many times longer or shorter than the middle one, besides
MOST = 0.9  # share of answers that makes a habit a style
_REFUSES = re.compile(
    r"(?i)^(?:(?:i['’]?m|i am|we are)\s+(?:sorry|afraid|unable)|sorry\b|unfortunately\b|"
    r"i (?:do not|don['’]t|cannot|can['’]?t) (?:know|answer|help|find)|"
    r"the (?:documents?|documentation|manual|passages?|text|context)\s+(?:do|does)(?:\s+not|n['’]t)"
    r"\s+(?:answer|say|contain|mention|cover|hold|provide)|"
    r"there is no (?:information|answer|mention))"
)


def inspect(
    found: Examples,
    *,
    held_out: Sequence[Path] = (),
    refusal: str = "",
    breaks: Callable[[str, bool], list[str]] | None = None,
) -> tuple[list[Fault], list[Fault]]:
    """Look through examples that were read.

    Args:
        held_out: files of examples or questions that must share nothing with them.
        refusal: the declared refusal; "" knows refusals by common words.
        breaks: says in which ways an answer (second argument: a refusal) breaks the declared
            style; None holds answers against what most of them do.

    Returns:
        faults and warnings, in order of lines.
    """
    rows = found.rows
    refused = [refuses(row.answer, refusal) for row in rows]
    secrets, personal = _private(found)
    warnings = [
        *personal,
        *_near(rows),
        *(leak for path in held_out for leak in _near_leaks(rows, path)),
        *_languages(rows),
        *_lengths(rows, refused),
        *_refusals(refused),
        *(_declared(rows, refused, breaks) if breaks else _inferred(rows, refused)),
    ]
    return secrets, sorted(warnings, key=lambda fault: fault.line)


def refuses(answer: str, refusal: str = "") -> bool:
    """Whether an answer is a refusal: the declared one, or one in common words."""
    bare = labels.strip(answer)
    if refusal and is_refusal(bare, refusal):
        return True
    return bool(_REFUSES.match(bare)) and len(bare.split()) <= 40


def _private(found: Examples) -> tuple[list[Fault], list[Fault]]:
    secrets: list[Fault] = []
    personal: list[Fault] = []
    for number, line in found.lines.items():
        for place, message in enumerate(line.messages):
            calls = [call["function"]["arguments"] for call in message.get("tool_calls", ())]
            seen = Counter(
                one.kind for text in (message["content"], *calls) for one in private.find(text)
            )
            for kind, count in seen.items():
                what = f"holds {'an' if kind[0] in 'aeiou' else 'a'} {kind}"
                fault = Fault(
                    number,
                    f"messages[{place}].content",
                    what if count == 1 else f"holds {count} {kind}s",
                    "A model may say what it was trained on: take it out, or use --redact.",
                    "secret" if kind in private.SECRETS else "personal data",
                    str(found.path),
                )
                (secrets if kind in private.SECRETS else personal).append(fault)
    return secrets, personal


def _asked(row: Example) -> str:
    return " ".join([*(turn["content"] for turn in row.history), row.question])


def _near(rows: Sequence[Example]) -> list[Fault]:
    """Near duplicates; where the answers differ in what they say, contradictions."""
    told = []
    keys = [key_of(row.question, row.history) for row in rows]
    for pair in near_pairs([_asked(row) for row in rows]):
        one, other = rows[pair.one], rows[pair.other]
        if keys[pair.one] == keys[pair.other] or one.line == other.line:
            continue  # the same question: reading the file has named it
        apart = differ(one.answer, other.answer)
        what = "nearly repeats" if not apart else "may contradict"
        told.append(
            Fault(
                other.line,
                "messages",
                f"{what} line {one.line} ({pair.similarity:.0%} the same question"
                f"{', ' + apart if apart else ''})",
                "Keep one, unless both ways of asking are wanted."
                if not apart
                else "Make the two answers say the same, or the questions differ.",
                "contradiction" if apart else "near duplicate",
            )
        )
    return told


def differ(one: str, other: str) -> str:
    """How two answers to one question contradict each other; "" where they do not seem to."""
    a, b = wording(labels.strip(one)), wording(labels.strip(other))
    if a.values and b.values and not (a.values <= b.values or b.values <= a.values):
        return "with other figures"
    if a.negated != b.negated:
        return "one answer with a negation, one without"
    shared = len(a.content & b.content) / max(1, min(len(a.content), len(b.content)))
    return "" if shared >= 0.5 else "with an answer in other words"


def _near_leaks(rows: Sequence[Example], path: Path) -> list[Fault]:
    held = questions_of(path)
    exact = {key_of(*asked) for _, asked in held}
    texts = [_asked(row) for row in rows]
    theirs = [
        " ".join([*(turn["content"] for turn in history), question])
        for _, (question, history) in held
    ]
    told = []
    for pair in near_pairs([*texts, *theirs]):
        if pair.one < len(rows) <= pair.other:
            row, (number, _) = rows[pair.one], held[pair.other - len(rows)]
            if key_of(row.question, row.history) in exact:
                continue  # a fault already
            told.append(
                Fault(
                    row.line,
                    "messages",
                    f"nearly the question of {path.name}, line {number} ({pair.similarity:.0%})",
                    "Remove it from one of the two files, or make them with `tune split`.",
                    "near leak",
                )
            )
    return told


def _languages(rows: Sequence[Example]) -> list[Fault]:
    spoken = [language_of(labels.strip(row.answer)) for row in rows]
    asked = [language_of(row.question) for row in rows]
    counts = Counter(language for language in spoken if language)
    if not counts:
        return []
    most, count = counts.most_common(1)[0]
    told = []
    for row, answered, question in zip(rows, spoken, asked, strict=True):
        if answered and question and answered != question:
            problem = f"asked in {question!r}, answered in {answered!r}"
        elif answered and answered != most and count >= 0.7 * sum(counts.values()):
            problem = f"the answer is in {answered!r}, most are in {most!r}"
        else:
            continue
        remedy = "Translate it, or keep a file for each language."
        told.append(Fault(row.line, "messages", problem, remedy, "language"))
    return told


def _lengths(rows: Sequence[Example], refused: Sequence[bool]) -> list[Fault]:
    told = []
    for name, texts in (
        ("answer", [labels.strip(row.answer) for row in rows]),
        ("question", [row.question for row in rows]),
    ):
        sizes = [len(text.split()) for text in texts]
        kept = [math.log1p(n) for n, no in zip(sizes, refused, strict=True) if not no]
        if len(kept) < 8:
            continue
        middle = median(kept)
        spread = max(1.4826 * median(abs(size - middle) for size in kept), 0.2)
        usual = math.expm1(middle)
        for row, size, no in zip(rows, sizes, refused, strict=True):
            apart = (math.log1p(size) - middle) / spread
            times = max(size / max(usual, 1), usual / max(size, 1))
            if abs(apart) > FAR and times >= TIMES and not (no and name == "answer"):
                told.append(
                    Fault(
                        row.line,
                        "messages",
                        f"the {name} has {size} words; half of all have {usual:.0f} or "
                        f"{'fewer' if apart > 0 else 'more'}",
                        "Shorten it, or split it into several examples."
                        if apart > 0
                        else "See whether it was cut off.",
                        "length",
                    )
                )
    return told


def _refusals(refused: Sequence[bool]) -> list[Fault]:
    share = sum(refused) / max(1, len(refused))
    if share <= REFUSALS:
        return []
    return [
        Fault(
            0,
            "",
            f"{sum(refused)} of {len(refused)} answers refuse ({share:.0%}); above "
            f"{REFUSALS:.0%} a model learns to refuse",
            "Add examples that answer, or remove refusals.",
            "refusals",
        )
    ]


def _declared(
    rows: Sequence[Example], refused: Sequence[bool], breaks: Callable[[str, bool], list[str]]
) -> list[Fault]:
    return [
        Fault(
            row.line,
            "messages",
            f"breaks the declared style: {'; '.join(faults)}",
            "Correct the answer, or the style in style.toml.",
            "style",
        )
        for row, no in zip(rows, refused, strict=True)
        if (faults := breaks(row.answer, no))
    ]


_HABITS: dict[str, tuple[Callable[[str], Any], str, str]] = {
    "label": (
        lambda text: labels.strip(text) != text.strip(),
        "the answer has no citation label, most others have one",
        "the answer has a citation label, most others have none",
    ),
    "stop": (
        lambda text: labels.strip(text).rstrip("\"'”’)*_`").endswith((".", "!", "?", "…", "。")),
        "the answer ends without a full stop, most others end with one",
        "the answer ends with a full stop, most others end without",
    ),
    "list": (
        lambda text: bool(re.search(r"(?m)^\s*(?:[-*•]|\d+[.)])\s", text)),
        "the answer has no list, most others have one",
        "the answer has a list, most others have none",
    ),
    "marks": (
        lambda text: bool(re.search(r"\*\*\S|^#{1,6} |```", text, re.MULTILINE)),
        "the answer has no Markdown, most others have",
        "the answer has Markdown marks, most others have none",
    ),
    "opening": (
        lambda text: bool(
            re.match(
                r"(?i)(?:sure|certainly|of course|great question|hello|hi|hey|thanks|thank you|"
                r"absolutely)\b[,!. ]",
                text,
            )
        ),
        "the answer opens without the phrase of courtesy that most others have",
        "the answer opens with a phrase of courtesy, most others do not",
    ),
}


def _inferred(rows: Sequence[Example], refused: Sequence[bool]) -> list[Fault]:
    """Habits that nearly all answers have, or nearly none; those that differ are named."""
    answers = [row for row, no in zip(rows, refused, strict=True) if not no]
    if len(answers) < 8:
        return []
    told: dict[int, list[str]] = defaultdict(list)
    numbers: dict[int, Example] = {}
    for has, missing, extra in _HABITS.values():
        having = [bool(has(row.answer)) for row in answers]
        share = sum(having) / len(having)
        if MOST > share > 1 - MOST or share in (0, 1):
            continue
        for place, (row, own) in enumerate(zip(answers, having, strict=True)):
            if own != (share >= MOST):
                told[place].append(missing if share >= MOST else extra)
                numbers[place] = row
    counts = [_sentences(row.answer) for row in answers]
    usual = sorted(counts)[math.ceil(0.95 * len(counts)) - 1]
    for place, (row, count) in enumerate(zip(answers, counts, strict=True)):
        if count > max(2 * usual, usual + 2):
            told[place].append(f"the answer has {count} sentences, 95% have {usual} or fewer")
            numbers[place] = row
    return [
        Fault(
            numbers[place].line,
            "messages",
            "; ".join(problems),
            "Write it as the others are, or declare the style in style.toml.",
            "style",
        )
        for place, problems in told.items()
    ]


def _sentences(text: str) -> int:
    bare = labels.strip(text)
    return sum(any(sign.isalnum() for sign in bare[a:b]) for a, b in split(bare))
