"""Check the example data: manual, style examples, held-out questions and the style itself.

Prints one line for each fault and ends with status 1 when there are any. Only the standard library
is used; the PDF and DOCX documents are checked through their sources in ``examples/source/``.
"""

from __future__ import annotations

import html.parser
import json
import re
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MANUAL = HERE / "manual"
SOURCE = HERE / "source"

SYSTEM = (
    "You are a technical support assistant. "
    "Answer concisely with specific citations from the documentation."
)
FIRST_LINE = (
    '{"messages": [{"role": "system", "content": "You are a technical support assistant. Answer '
    'concisely with specific citations from the documentation."}, {"role": "user", "content": "How '
    'do I reset my password?"}, {"role": "assistant", "content": "Go to Settings > Account > Reset '
    "Password. A confirmation email will be sent to your registered address. [Source: Account "
    'Management Guide, Section 2.1]"}]}'
)

MIN_DOCUMENTS = 16
MIN_STYLE = 190
MIN_STYLE_REFUSALS = 12
MIN_QUESTIONS = {"questions.jsonl": (90, 18), "questions-dev.jsonl": (0, 0)}
SECTION_WORDS = (60, 170)
MIN_OVERLAP = 0.8
NEAR_DUPLICATE = 0.75

_STOP_TEXT = """
    a an and any are as at be been before but by can cannot could did do does each every for from
    had has have how i if in into is it its may me more most must my no not of off on one only or
    other our out own per shall should so some such than that the their them then there these they
    this those to too until up was were what when where which while who whose why will with without
    would you your
"""
_IMPERATIVE_TEXT = """
    add ask call change check choose clear click copy create delete drag enter fill go hold open
    pick press put run select send set sign tick turn type use write
"""
STOP_WORDS = frozenset(_STOP_TEXT.split())
IMPERATIVES = frozenset(_IMPERATIVE_TEXT.split())


class _HtmlText(html.parser.HTMLParser):
    """Turn the main part of an HTML page into Markdown-like lines."""

    BLOCKS = frozenset({"p", "li", "td", "th", "pre"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self.inside = 0
        self.current: list[str] | None = None
        self.prefix = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("main", "article"):
            self.inside += 1
        elif self.inside and (tag in self.BLOCKS or re.fullmatch(r"h[1-6]", tag)):
            self.current = []
            self.prefix = "#" * int(tag[1]) + " " if tag[0] == "h" else ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("main", "article"):
            self.inside -= 1
        elif self.current is not None and (tag in self.BLOCKS or re.fullmatch(r"h[1-6]", tag)):
            self.lines += [self.prefix + "".join(self.current), ""]
            self.current = None

    def handle_data(self, data: str) -> None:
        if self.current is not None:
            self.current.append(data)


def _plain(text: str) -> str:
    """Squeeze white space and drop the marks of lists, tables and code blocks."""
    lines = []
    for line in text.splitlines():
        if re.fullmatch(r"[|\s:-]+", line) or line.startswith("```"):
            continue
        line = re.sub(r"^(- |\d+\. )", "", line.strip())
        lines.append(line.strip("| ") if line.startswith("|") else line)
    return " ".join(" ".join(lines).split())


def document_lines(path: Path) -> list[str]:
    """The lines of one document of the manual, as Markdown."""
    if path.suffix == ".html":
        parser = _HtmlText()
        parser.feed(path.read_text(encoding="utf-8"))
        return parser.lines
    if path.suffix in (".pdf", ".docx"):
        path = SOURCE / f"{path.stem}.md"
    return path.read_text(encoding="utf-8").splitlines()


def read_document(path: Path) -> tuple[str, dict[str, str]]:
    """Return the title and the text of every numbered section that has one."""
    title = ""
    number = ""
    raw: dict[str, list[str]] = {}
    fenced = False
    for line in document_lines(path):
        if line.startswith("```"):
            fenced = not fenced
        heading = None if fenced else re.match(r"(#{1,6}) (.+)", line)
        if heading and len(heading[1]) == 1:
            title = heading[2].strip()
        elif heading:
            found = re.match(r"(\d+(?:\.\d+)*) ", heading[2])
            number = found[1] if found else ""
            if number in raw:
                raise ValueError(f"{path.name}: section {number} occurs twice")
            raw[number] = []
        elif number:
            raw[number].append(line)
    texts = {key: _plain("\n".join(lines)) for key, lines in raw.items()}
    return title, {key: text for key, text in texts.items() if key and text}


def read_manual() -> dict[str, tuple[str, dict[str, str]]]:
    """Map the file name of every document to its title and its sections."""
    return {path.name: read_document(path) for path in sorted(MANUAL.iterdir())}


def tokens(text: str) -> list[str]:
    """Lower-case words; codes, keys and paths stay in one piece."""
    found = re.findall(r"[^\s,;:!?()\[\]\"]+", text.lower())
    return [token.strip(".'") for token in found if re.search(r"\w", token)]


def content_words(text: str) -> set[str]:
    """The words of a text without stop words and without imperative verbs."""
    return {t for t in tokens(text) if t not in STOP_WORDS and t not in IMPERATIVES}


def jaccard(left: set[str], right: set[str]) -> float:
    """The share of the words of two texts that both have."""
    return len(left & right) / len(left | right) if left | right else 1.0


def count_sentences(text: str) -> int:
    """The number of sentences of an answer without its label."""
    return len([part for part in re.split(r"(?<=[.!?])\s+", text.strip()) if part])


def read_lines(name: str) -> list[dict[str, Any]]:
    """Read a JSON Lines file of this folder."""
    text = (HERE / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def style_faults(answer: str, style: dict[str, Any]) -> list[str]:
    """What in an answer breaks the declared style."""
    if answer == style["refusal"]:
        return []
    found = [f"does not match {p}" for p in style["must_match"] if not re.search(p, answer)]
    found += [f"matches {p}" for p in style["must_not_match"] if re.search(p, answer)]
    found += [f"holds {p!r}" for p in style["banned_phrases"] if p in answer.lower()]
    body = re.sub(r"\s*\[Source: [^\]]*\]$", "", answer)
    if count_sentences(body) > style["max_sentences"]:
        found.append("has too many sentences")
    if len(answer.split()) > style["max_words"]:
        found.append("has too many words")
    if not body.endswith("."):
        found.append("does not end its last sentence with a full stop")
    return found


Sections = dict[tuple[str, str], str]


def manual_faults(manual: dict[str, tuple[str, dict[str, str]]]) -> list[str]:
    """Check the number of documents and the size of the sections."""
    found: list[str] = []
    if len(manual) < MIN_DOCUMENTS:
        found.append(f"manual: {len(manual)} documents, expected {MIN_DOCUMENTS}")
    titles = [title for title, _ in manual.values()]
    if len(set(titles)) != len(titles) or "" in titles:
        found.append("manual: a title is missing or occurs twice")
    low, high = SECTION_WORDS
    for name, (_, sections) in manual.items():
        if len(sections) < 7:
            found.append(f"{name}: only {len(sections)} sections")
        for number, text in sections.items():
            if not low <= len(text.split()) <= high:
                found.append(f"{name} {number}: {len(text.split())} words")
    return found


def style_file_faults(
    sections: Sections, style: dict[str, Any]
) -> tuple[list[str], dict[tuple[str, str], list[str]], list[str]]:
    """Check ``style.jsonl``; also return its answers by section and its questions."""
    found: list[str] = []
    answers: dict[tuple[str, str], list[str]] = {}
    asked: list[str] = []
    refusals = 0
    lines = read_lines("style.jsonl")
    if (HERE / "style.jsonl").read_text(encoding="utf-8").split("\n", 1)[0] != FIRST_LINE:
        found.append("style.jsonl: the first line is not the canonical example")
    for number, line in enumerate(lines, 1):
        where = f"style.jsonl:{number}"
        roles = [message["role"] for message in line["messages"]]
        if roles != ["system", "user", "assistant"]:
            found.append(f"{where}: roles are {roles}")
            continue
        system, question, answer = (message["content"] for message in line["messages"])
        if system != SYSTEM:
            found.append(f"{where}: another system text")
        asked.append(question)
        found += [f"{where}: {fault}" for fault in style_faults(answer, style)]
        if answer == style["refusal"]:
            refusals += 1
            continue
        label = re.search(r"^(.*\.) \[Source: ([^\]]+), Section ([\d.]+)\]$", answer)
        if not label:
            found.append(f"{where}: no label")
            continue
        key = (label[2], label[3])
        if key not in sections:
            found.append(f"{where}: no such section {key}")
            continue
        answers.setdefault(key, []).append(label[1])
        words = content_words(label[1])
        share = len(words & set(tokens(sections[key]))) / max(1, len(words))
        if share < MIN_OVERLAP:
            found.append(f"{where}: only {share:.0%} of the answer occurs in {key}")
    if len(lines) < MIN_STYLE:
        found.append(f"style.jsonl: {len(lines)} examples, expected {MIN_STYLE}")
    if refusals < MIN_STYLE_REFUSALS:
        found.append(f"style.jsonl: {refusals} refusals, expected {MIN_STYLE_REFUSALS}")
    plain = [" ".join(tokens(question)) for question in asked]
    found += [f"style.jsonl: twice: {q}" for q in sorted({q for q in plain if plain.count(q) > 1})]
    return found, answers, asked


def question_faults(
    name: str,
    manual: dict[str, tuple[str, dict[str, str]]],
    answers: dict[tuple[str, str], list[str]],
    style: dict[str, Any],
) -> tuple[list[str], list[str]]:
    """Check one file of held-out questions; also return the questions."""
    found: list[str] = []
    lines = read_lines(name)
    open_questions = 0
    if len({line["id"] for line in lines}) != len(lines):
        found.append(f"{name}: an id occurs twice")
    for line in lines:
        where = f"{name}:{line['id']}"
        if not line["answerable"]:
            open_questions += 1
            if line["answers"] or line["evidence"]:
                found.append(f"{where}: unanswerable, but has an answer or evidence")
            continue
        if len(line["answers"]) != 2 or len(line["evidence"]) != 1:
            found.append(f"{where}: expected two answers and one piece of evidence")
            continue
        short, full = line["answers"]
        evidence = line["evidence"][0]
        title, sections = manual.get(evidence["doc"], ("", {}))
        text = sections.get(evidence["section"])
        if text is None:
            found.append(f"{where}: no section {evidence['section']} in {evidence['doc']}")
            continue
        if evidence["text"] not in text:
            found.append(f"{where}: the evidence is not in the section")
        if short not in text:
            found.append(f"{where}: {short!r} is not in the section")
        if short.lower() not in full.lower():
            found.append(f"{where}: {short!r} is not in the full answer")
        if len(short) < 3:
            found.append(f"{where}: {short!r} is too short to be a safe answer")
        label = style["label"].format(title=title, number=evidence["section"])
        found += [f"{where}: {fault}" for fault in style_faults(f"{full} {label}", style)]
        for answer in answers.get((title, evidence["section"]), []):
            if short.lower() in answer.lower():
                found.append(f"{where}: {short!r} is in a style answer: {answer}")
    total, unanswerable = MIN_QUESTIONS[name]
    if len(lines) < total:
        found.append(f"{name}: {len(lines)} questions, expected {total}")
    if open_questions < unanswerable:
        found.append(f"{name}: {open_questions} unanswerable, expected {unanswerable}")
    return found, [line["question"] for line in lines]


def duplicate_faults(groups: dict[str, list[str]]) -> list[str]:
    """Questions of two different files, or twice in one held-out file, that are nearly the same."""
    found: list[str] = []
    entries = [(name, q, set(tokens(q))) for name, asked in groups.items() for q in asked]
    for index, (name, question, words) in enumerate(entries):
        for other_name, other, other_words in entries[:index]:
            if name == other_name == "style.jsonl":
                continue
            if jaccard(words, other_words) >= NEAR_DUPLICATE:
                found.append(f"{name}: {question!r} is close to {other_name}: {other!r}")
    return found


def faults() -> list[str]:
    """All faults of the example data; an empty list when there are none."""
    style = tomllib.loads((HERE / "style.toml").read_text(encoding="utf-8"))
    manual = read_manual()
    sections = {
        (title, number): text for title, parts in manual.values() for number, text in parts.items()
    }
    found = manual_faults(manual)
    style_found, answers, asked = style_file_faults(sections, style)
    found += style_found
    groups = {"style.jsonl": asked}
    for name in MIN_QUESTIONS:
        if (HERE / name).exists():
            question_found, groups[name] = question_faults(name, manual, answers, style)
            found += question_found
    return found + duplicate_faults(groups)


def main() -> int:
    """Print the faults."""
    found = faults()
    for fault in found:
        print(fault)
    print("no faults" if not found else f"{len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
