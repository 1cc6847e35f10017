"""Questions and answers cut out of documents by rules: headings, instructions, facts, tables.

A manual says most things in a few shapes. "Open Board > Trash to restore a board." answers "How do
I restore a board?"; "Invoices are kept for 10 years." answers "How long are invoices kept?"; a row
of a table answers what its columns are called. The answer is the document's own sentence, so it is
right; the question is asked only where the sentence says by itself what it is about.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from groundtone.answering.wording import wording
from groundtone.sentences import split
from groundtone.tuning.draft_facts import fact
from groundtone.tuning.draft_tables import tables
from groundtone.tuning.draft_words import IMPERATIVE, VERBS, Found, cased, lowered, usable
from groundtone.tuning.draft_words import plain as plain


def drafts_of(text: str, headings: Sequence[str], names: frozenset[str]) -> Iterator[Found]:
    """All that the rules make of one passage.

    Args:
        text: the passage.
        headings: the titles above it, outermost first.
        names: the words that the document has with a capital; see `names_of`.
    """
    for found in _made(text, headings):
        question, answer = (cased(said, names) for said in (found.question, found.answer))
        yield replace(found, question=question, answer=answer)


def names_of(text: str) -> frozenset[str]:
    """The words of a document that have a capital inside its sentences, more often than not."""
    capital = Counter(re.findall(r"(?<=[a-z,] )[A-Z]\w+", text))
    small = Counter(re.findall(r"(?<=[a-z,] )[a-z]\w+", text))
    return frozenset(word for word, count in capital.items() if count > small[word.lower()])


def _made(text: str, headings: Sequence[str]) -> Iterator[Found]:
    sentences = [(start, end, " ".join(text[start:end].split())) for start, end in split(text)]
    prose = [(a, b, _bare(said)) for a, b, said in sentences if not said.startswith(("#", "|"))]
    yield from _heading(prose, headings)
    for start, end, said in prose:
        made = _instruction(said) or fact(said)
        if made:
            yield Found(*made, said, start, end)
    yield from tables(text)


def _bare(said: str) -> str:
    """A sentence without the marks of Markdown, of lists too."""
    return plain(re.sub(r"^(?:[-*+•]|\(?\d{1,2}[.)])\s+", "", said))


# What ends so, says only with the text around it what it is about.
_LOOSE = re.compile(
    r"\b(?:as well|too|again|at once|of your own|further|(?:your|the) changes|that [a-z]+|with us)$"
)
_PARTS = (
    (r"(?:Add|Use|Pass|Set|Give) the option\b", "Which option do I use to {task}?"),
    (r"(?:Add|Use|Pass|Set) the (?:flag|parameter)\b", "Which parameter do I use to {task}?"),
    (r"Use the operator\b", "Which operator do I use to {task}?"),
    (r"Set the key\b", "Which key do I set to {task}?"),
    (r"Press the .* key\b|Press [A-Z]\b", "Which key do I press to {task}?"),
    (r"Run [a-z]+ \S+", "Which command do I run to {task}?"),
)


def _heading(prose: Sequence[tuple[int, int, str]], headings: Sequence[str]) -> Iterator[Found]:
    title = re.sub(r"^[\d.]+\s+|<[^>]*>", "", headings[-1]).strip() if headings else ""
    words = title.split()
    if not 2 <= len(words) <= 8 or words[0].lower() not in VERBS or re.search(r"[,:;&?]", title):
        return
    if re.search(r"\b(?:and|or)\b", title):
        return  # two tasks, of which one sentence tells one
    asked = wording(title).content
    for start, end, said in prose[:3]:
        if said and said.split()[0].lower() in IMPERATIVE:
            # The first step, or none: a later one alone would be the wrong answer.
            if usable(said) and asked & wording(said).content:
                yield Found("heading", f"How do I {_mine(lowered(title))}?", said, start, end)
            return


def _instruction(said: str) -> tuple[str, str] | None:
    first, _, rest = said.partition(" ")
    if first.lower() in ("follow", "read", "ask", "view"):
        return None  # where it is told, not how it is done
    if first.lower() not in IMPERATIVE or not rest or not usable(said):
        return _purpose(said)
    match = re.fullmatch(
        r"(?P<how>.+?) to (?P<verb>[a-z]+) (?P<what>[^,;:]{3,70}?)"
        r"(?P<more>, (?:and|because|or) .+)?\.",
        said,
    )
    if match is None or match["verb"] not in VERBS or re.search(r"[.\[]", match["what"]):
        return None
    if re.search(r"\b(?:unless|until|if|when|that|which|has|have|necessary)\b", match["how"]):
        return None  # "… unless you want to …": no purpose of all of it
    what = match["what"]
    if re.search(r"\band\s+(?:select|click|enter|choose|press|then)\b", what):
        return None
    if _LOOSE.search(what):
        return None
    task = f"{match['verb']} {_mine(what)}"
    for part, question in _PARTS:  # which one, not how: the command it belongs to is not named
        if re.match(part, said):
            return "instruction", question.format(task=task)
    return "instruction", f"How do I {task}?"


def _purpose(said: str) -> tuple[str, str] | None:
    """ "To restore a board, open …" and "For ERR-3052, pack …"."""
    match = re.fullmatch(r"To (?P<verb>[a-z]+) (?P<what>[^,;:]{3,70}), (?P<do>[a-z]+) .+\.", said)
    if match and match["verb"] in VERBS and match["do"] in IMPERATIVE - {"follow", "see"}:
        if usable(said) and not _LOOSE.search(match["what"]):
            return "instruction", f"How do I {match['verb']} {_mine(match['what'])}?"
        return None
    match = re.fullmatch(r"For (?P<code>[A-Z][A-Z0-9]*-\d+), (?P<do>[a-z]+) .+\.", said)
    if match and match["do"] in IMPERATIVE:
        return "remedy", f"What do I do about {match['code']}?"
    return None


def _mine(text: str) -> str:
    """What is the reader's is the asker's."""
    text = re.sub(r"\byours?\b", lambda m: "mine" if m[0].endswith("s") else "my", text)
    text = re.sub(r"\b(for|to|with|of|from|by|let|lets) you\b", r"\1 me", text)
    text = re.sub(r"\byou(['’](?:ve|d|ll))\b", r"I\1", text)
    return re.sub(r"\byou are\b", "I am", re.sub(r"\byou (?!are\b)", "I ", text)).rstrip()
