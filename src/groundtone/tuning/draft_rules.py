"""Questions and answers cut out of documents by rules: headings, instructions, facts, tables.

A manual says most things in a few shapes. "Open Board > Trash to restore a board." answers "How do
I restore a board?"; "Invoices are kept for 10 years." answers "How long are invoices kept?"; a row
of a table answers what its columns are called. The answer is the document's own sentence, so it is
right; the question is asked only where the sentence says by itself what it is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from groundtone.answering.wording import wording
from groundtone.sentences import split


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
_IMPERATIVE = VERBS | _words("go enter press click tap type drag hold")
_MARK = "\x00"  # stands before a word whose case depends on the document
_VAGUE = _words(
    "it they this these those that there here he she we you such both all each one ones some "
    "many several few most others another either neither then also so thus otherwise however "
    "but and or if when while after before once until because since for to in on at by with "
    "without during from as only every no not nothing what which who how where why i please "
    "note example further more"
)
_POINTS = re.compile(
    r"\b(?:following|above|below|this|these|those|that way|as well|here|there|also|again|too|"
    r"then|instead|otherwise|therefore|it|its|they|them|their|he|she|such|same|others?|another|both|"
    r"latter|former|as follows|see|example|figure|step)\b",
    re.IGNORECASE,
)
_NUMBER = (
    r"(?:\d[\d,.]*|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|"
    r"thirty|sixty)"
)
_TIME = rf"{_NUMBER}\s+(?:milliseconds?|seconds?|minutes?|hours?|days?|weeks?|months?|years?)"
_SUBJECT = r"(?P<subject>(?:(?!\b(?:is|are|was|were|can|cannot|may|must|has|have)\b)[^,;:()?!])+?)"
_THINGS = r"(?P<what>[^\W\d_]+(?: (?!(?:at|in|on|for|per|of|to|with|by|and|or|from)\b)[^\W\d_]+)?)"
_PRESENT = {
    "needs": "need",
    "requires": "require",
    "includes": "include",
    "contains": "contain",
    "shows": "show",
    "lists": "list",
    "supports": "support",
    "covers": "cover",
    "describes": "describe",
    "specifies": "specify",
    "controls": "control",
    "determines": "determine",
    "defines": "define",
    "accepts": "accept",
    "prints": "print",
    "returns": "return",
}


def drafts_of(text: str, headings: Sequence[str], names: frozenset[str]) -> Iterator[Found]:
    """All that the rules make of one passage.

    Args:
        text: the passage.
        headings: the titles above it, outermost first.
        names: the words that the document has with a capital; see `names_of`.
    """
    for found in _made(text, headings):
        question, answer = (_cased(said, names) for said in (found.question, found.answer))
        yield replace(found, question=question, answer=answer)


def names_of(text: str) -> frozenset[str]:
    """The words of a document that have a capital inside its sentences."""
    return frozenset(re.findall(r"(?<=[a-z,] )[A-Z]\w+", text))


def _made(text: str, headings: Sequence[str]) -> Iterator[Found]:
    sentences = [(start, end, " ".join(text[start:end].split())) for start, end in split(text)]
    prose = [(a, b, _bare(said)) for a, b, said in sentences if not said.startswith(("#", "|"))]
    yield from _heading(prose, headings)
    for start, end, said in prose:
        made = _instruction(said) or _fact(said)
        if made:
            yield Found(*made, said, start, end)
    yield from _tables(text)


def _bare(said: str) -> str:
    """A sentence without the marks of Markdown, of lists too."""
    return plain(re.sub(r"^(?:[-*+•]|\(?\d{1,2}[.)])\s+", "", said))


def plain(text: str) -> str:
    """Text without Markdown's marks: links, emphasis, escapes, code."""
    text = re.sub(r"(?<!!)\[([^\[\]]+)\]\([^()\s]+\)", lambda m: m[1].strip(), text)
    text = re.sub(r"\\([\\`*_{}\[\]()#+\-.!|>~<])", lambda m: f"\x01{ord(m[1])}\x01", text)
    text = re.sub(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1", r"\2", text)
    text = re.sub(r"(?<![\w*])([*_])(?=\S)([^*_]+?)(?<=\S)\1(?![\w*])", r"\2", text)
    text = re.sub(r"`([^`]+)`", r"\1", text)
    return re.sub(r"\x01(\d+)\x01", lambda m: chr(int(m[1])), text)


def _usable(said: str) -> bool:
    words = said.split()
    return (
        5 <= len(words) <= 30
        and said.endswith(".")
        and said[0].isupper()
        and not _POINTS.search(said)
        and not re.search(r": |\bsuppose\b|\[[^\]]*\]\(|\{\{|https?://\S+\s*$|\|", said)
    )


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

# -- instructions ---------------------------------------------------------------------------


def _heading(prose: Sequence[tuple[int, int, str]], headings: Sequence[str]) -> Iterator[Found]:
    title = re.sub(r"^[\d.]+\s+|<[^>]*>", "", headings[-1]).strip() if headings else ""
    words = title.split()
    if not 2 <= len(words) <= 8 or words[0].lower() not in VERBS or re.search(r"[,:;&?]", title):
        return
    if re.search(r"\b(?:and|or)\b", title):
        return  # two tasks, of which one sentence tells one
    asked = wording(title).content
    for start, end, said in prose[:3]:
        if said and said.split()[0].lower() in _IMPERATIVE:
            # The first step, or none: a later one alone would be the wrong answer.
            if _usable(said) and asked & wording(said).content:
                yield Found("heading", f"How do I {_mine(_low(title))}?", said, start, end)
            return


def _instruction(said: str) -> tuple[str, str] | None:
    first, _, rest = said.partition(" ")
    if first.lower() in ("follow", "read", "ask", "view"):
        return None  # where it is told, not how it is done
    if first.lower() not in _IMPERATIVE or not rest or not _usable(said):
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
    if match and match["verb"] in VERBS and match["do"] in _IMPERATIVE - {"follow", "see"}:
        if _usable(said) and not _LOOSE.search(match["what"]):
            return "instruction", f"How do I {match['verb']} {_mine(match['what'])}?"
        return None
    match = re.fullmatch(r"For (?P<code>[A-Z][A-Z0-9]*-\d+), (?P<do>[a-z]+) .+\.", said)
    if match and match["do"] in _IMPERATIVE:
        return "remedy", f"What do I do about {match['code']}?"
    return None


# -- facts ----------------------------------------------------------------------------------


def _fact(said: str) -> tuple[str, str] | None:
    if not _usable(said) or said.split()[0].lower() in _VAGUE - {"every"}:
        return None
    for rule in (_amount, _duration, _frequency, _definition, _value, _place, _ability, _present):
        question = rule(said)
        if question and _sound(question):
            return rule.__name__.strip("_"), question
    return None


def _amount(said: str) -> str | None:
    """ "Up to 15 members may take part …", "A checklist may hold up to 100 items."."""
    match = re.fullmatch(
        rf"(?:Up to|At most|Only) {_NUMBER} (?P<what>[^,;:]+?) "
        r"(?P<may>may|can) (?P<rest>[^,;:]+)\.",
        said,
    )
    if match and len(match["what"].split()) <= 4:
        return f"How many {match['what']} can {match['rest']}?"
    match = re.fullmatch(
        rf"{_SUBJECT} (?P<may>may|can) (?P<verb>have|hold|contain|use|include) "
        rf"(?:up to|at most) {_NUMBER} {_THINGS}(?P<rest>[^,;:]*)\.",
        said,
    )
    if match and not re.match(r"(?:MB|GB|KB|TB|percent|characters)\b", match["what"]):
        subject = _subject(match["subject"])
        if subject:
            return f"How many {match['what']} can {subject} {match['verb']}{match['rest']}?"
    match = re.fullmatch(rf"{_SUBJECT} costs (?P<rest>.*\d.*)\.", said)
    if match and (subject := _subject(match["subject"])):
        return f"How much does {subject} cost?"
    match = re.fullmatch(
        rf"{_SUBJECT} (?P<verb>includes|has|have|include|needs|need) {_NUMBER} "
        rf"{_THINGS}\.",
        said,
    )
    if match and (subject := _subject(match["subject"])):
        verb = match["verb"]
        base = {"includes": "include", "has": "have", "needs": "need"}.get(verb, verb)
        if re.match(
            r"(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|MB|GB)\b", match["what"]
        ):
            return None
        return f"How many {match['what']} {'does' if verb != base else 'do'} {subject} {base}?"
    return None


def _duration(said: str) -> str | None:
    """ "Invoices are kept for 10 years.", "A trial lasts 28 days."."""
    match = re.fullmatch(
        rf"{_SUBJECT} (?P<be>is|are|stay|stays|remain|remains) (?P<state>[^,;:]{{3,60}}?)"
        rf" for (?:up to |at least |about )?{_TIME}\.",
        said,
    )
    if match and " and " not in match["state"] and (subject := _subject(match["subject"])):
        if match["be"] in ("is", "are"):
            return f"How long {match['be']} {subject} {match['state']}?"
        base = match["be"].removesuffix("s")
        return (
            f"How long {'does' if match['be'] != base else 'do'} {subject} {base} {match['state']}?"
        )
    match = re.fullmatch(rf"{_SUBJECT} (?P<verb>lasts?|takes?) (?:up to |about )?{_TIME}\.", said)
    if match and (subject := _subject(match["subject"])):
        base = match["verb"].removesuffix("s")
        return f"How long {'does' if match['verb'] != base else 'do'} {subject} {base}?"
    match = re.fullmatch(
        rf"{_SUBJECT} (?P<verb>expires?|ends?|"
        rf"(?:is|are) (?:closed|deleted|erased|removed|archived)) after {_TIME}\.",
        said,
    )
    if match and (subject := _subject(match["subject"])):
        verb = match["verb"]
        if " " in verb:
            be, state = verb.split()
            return f"When {be} {subject} {state}?"
        base = verb.removesuffix("s")
        return f"When {'does' if verb != base else 'do'} {subject} {base}?"
    return None


def _frequency(said: str) -> str | None:
    """ "Cloud workspaces are backed up every 6 hours."."""
    match = re.fullmatch(
        rf"{_SUBJECT} (?P<be>is|are) (?P<state>[a-z]+(?:ed|en|wn|nt|un)(?: up)?)(?P<rest>[^,;:]*?) "
        rf"every (?:{_NUMBER} )?(?:seconds?|minutes?|hours?|days?|weeks?|months?|night|morning)\.",
        said,
    )
    if match and (subject := _subject(match["subject"])):
        return f"How often {match['be']} {subject} {match['state']}{match['rest']}?"
    return None


def _definition(said: str) -> str | None:
    """ "ERR-1101 means that …"; "A queue is a list of …"."""
    match = re.fullmatch(rf"{_SUBJECT} means (?:that )?.+\.", said)
    if match and len(match["subject"].split()) <= 6 and (subject := _subject(match["subject"])):
        return f"What does {subject} mean?"
    match = re.fullmatch(
        r"(?P<subject>(?:An?|The) [\w-]+(?: [\w-]+){0,2}) (?:is|are) (?P<kind>an?|one) "
        r"(?P<noun>[a-z]+) (?:that|which|of|for|with|in|to|who|where) .+\.",
        said,
    )
    if match and (subject := _subject(match["subject"])):
        return f"What is {subject}?"
    return None


def _value(said: str) -> str | None:
    """ "The smallest number of seats is 3."."""
    match = re.fullmatch(
        r"The (?P<subject>(?:(?:default|standard|smallest|largest|maximum|minimum|highest|lowest|"
        r"longest|shortest|recommended|first|last)\b[^,;:]{3,60}?)|(?:name|address|port|size|price|"
        r"limit|number|length|format|path|status|code) of [^,;:]{3,60}?) "
        r"is (?P<value>[^,;:]+)\.",
        said,
    )
    if match and re.fullmatch(r"(?:default|standard) [a-z]+", match["subject"]):
        return None  # of what, only the text around it says
    if match and not re.match(
        r"(?:not|no|only|shown|set|kept|sent)\b|[a-z]+(?:ed|en)\b", match["value"]
    ):
        return f"What is the {_low_names(match['subject'])}?"
    return None


def _place(said: str) -> str | None:
    """ "Backups are stored in /var/backups."."""
    match = re.fullmatch(
        rf"{_SUBJECT} (?P<be>is|are) "
        r"(?P<state>stored|kept|saved|written|shown|listed|found|located) "
        r"(?P<at>in|under|at|on|to) (?P<where>[^,;:]{3,80})\.",
        said,
    )
    if match and re.search(r"[>/]|\b[A-Z]|\.\w", match["where"]):
        subject = _subject(match["subject"])
        return f"Where {match['be']} {subject} {match['state']}?" if subject else None
    return None


def _ability(said: str) -> str | None:
    """ "An invoice cannot be changed after it was created."."""
    match = re.fullmatch(
        rf"{_SUBJECT} (?P<may>can|cannot|may|may not|can only) (?P<rest>[a-z]+ [^;:]{{4,80}})\.",
        said,
    )
    if match is None or match["may"].endswith("only"):
        return None
    if not re.match(r"be [a-z]+(?:ed|en|wn|nt|ut|et|ld|un|ht|pt)\b", match["rest"]):
        return None  # what may happen, not what may be done
    rest = re.split(r", (?:but|and|because|so|unless)\b", match["rest"])[0]
    if re.search(r"\b(?:only|up to|at most|at least|every|after|when|if|until|once)\b|\d|,", rest):
        return None
    subject = _subject(match["subject"])
    return f"Can {subject} {rest}?" if subject else None


def _present(said: str) -> str | None:
    """ "The list Help > Recent Errors shows the errors of the last 48 hours."."""
    match = re.fullmatch(
        rf"{_SUBJECT} (?P<verb>{'|'.join(_PRESENT)}) (?P<object>[^:;]{{5,140}})\.", said
    )
    if match is None:
        return None
    subject = "" if re.search(r"\b(?:and|or)\b", match["subject"]) else _subject(match["subject"])
    # "The answer", "a late device": which one, a reader of the question could not tell.
    if re.match(rf"{_MARK}\w+ing\b", subject):
        return None  # an action: it is asked how, not what
    if match["object"].startswith("to "):
        return None
    named = re.search(r"[A-Z0-9/_.-]", subject.replace(_MARK, ""))
    if len(subject.split()) < 2 or not (named or len(subject.split()) > 3):
        return None
    if match["verb"] in ("shows", "accepts", "returns", "prints") and not re.search(
        r"[>/_]|\d|--|\b(?:list|page|report|view|command|option)\b", subject
    ):
        return None
    return f"What does {subject} {_PRESENT[match['verb']]}?"


def _subject(text: str) -> str:
    """A subject as it stands in a question; "" for one that does not say what it is."""
    text = text.strip()
    words = text.split()
    if not words or len(words) > 9 or words[0].lower() in _VAGUE or _POINTS.search(text):
        return ""
    if re.search(r"\b(?:that|which|who|whose|when|where|and|or)$", text):
        return ""
    if re.search(r"\b(?:you|we|so|that|which|now|if)\b|ly$", text):
        return ""  # more than a subject
    if re.fullmatch(r"The [a-z]+", text):
        return ""  # which one, only the text around it says
    return _low(text)


def _low(text: str) -> str:
    """The text with its first word marked: in lower case, unless the document has it as a name."""
    first, gap, rest = text.partition(" ")
    if first[1:] != first[1:].lower() or not first.isalpha():
        return text
    if first.lower() in ("a", "an", "the") or first.lower() in VERBS:
        return f"{first.lower()}{gap}{rest}"
    return f"{_MARK}{text}"


def _cased(text: str, names: frozenset[str]) -> str:
    """The marked words decided: those that the document has as names keep their capital."""
    return re.sub(
        rf"{_MARK}(\w+)", lambda match: match[1] if match[1] in names else match[1].lower(), text
    )


def _low_names(text: str) -> str:
    return text[0].lower() + text[1:] if text[1:2].islower() else text


def _mine(text: str) -> str:
    """What is the reader's is the asker's."""
    text = re.sub(r"\byours?\b", lambda m: "mine" if m[0].endswith("s") else "my", text)
    text = re.sub(r"\b(for|to|with|of|from|by|let|lets) you\b", r"\1 me", text)
    text = re.sub(r"\byou(['’](?:ve|d|ll))\b", r"I\1", text)
    return re.sub(r"\byou are\b", "I am", re.sub(r"\byou (?!are\b)", "I ", text)).rstrip()


def _sound(question: str) -> bool:
    words = question.split()
    return 4 <= len(words) <= 22 and len(wording(question).content) >= 1


# -- tables ---------------------------------------------------------------------------------

_ROW = re.compile(r"^\|(?P<cells>.+)\|\s*$", re.MULTILINE)


def _tables(text: str) -> Iterator[Found]:
    header: list[str] = []
    before = -1
    for match in _ROW.finditer(text):
        cells = [plain(cell.strip()) for cell in re.split(r"(?<!\\)\|", match["cells"])]
        if before < 0 or match.start() > before + 2:
            header = cells  # a row after a gap begins a table
        elif all(re.fullmatch(r":?-+:?", cell) for cell in cells if cell) and any(cells):
            pass
        elif len(cells) == len(header) > 1 and 1 <= len(cells[0].split()) <= 4:
            yield from _row(header, cells, match.start(), match.end())
        before = match.end()


def _row(header: Sequence[str], cells: Sequence[str], start: int, end: int) -> Iterator[Found]:
    if re.search(r"[\[\]!<>{}]", cells[0]) or re.fullmatch(r"[a-z]+\d+", cells[0]):
        return  # a picture, or a made-up record
    kind = header[0].lower()
    code = any(sign.isdigit() for sign in cells[0]) or not cells[0][:1].isalpha()
    key = cells[0] if code or not kind or kind in ("name", "key") else f"the {cells[0]} {kind}"
    if key.startswith("the ") and cells[0][:1].islower():
        key = f"the {kind} {cells[0]}"
    for name, cell in zip(header[1:], cells[1:], strict=True):
        if not cell or not name or cell in ("-", "–", "—") or len(cell.split()) > 25:
            continue
        low, said = name.lower(), cell.rstrip(".")
        if low in ("kind", "type", "") or re.fullmatch(r"(?i)yes|no|true|false|x|✓|✗|n/a", said):
            continue
        if low in ("meaning", "description", "cause", "reason", "effect", "what it does"):
            if low == "meaning" and cell.endswith("."):
                yield Found(
                    "table",
                    f"What does {key} mean?",
                    f"{_up(key)} means that {_low(said)}.",
                    start,
                    end,
                )
        elif low in ("what to do", "remedy", "solution", "action", "fix"):
            if said.split()[0].lower() in _IMPERATIVE:
                yield Found(
                    "table", f"What do I do about {key}?", f"For {key}, {_low(said)}.", start, end
                )
        elif _named(name) and not re.search(r"[,;\[\]{}<>|!]|\.$", cell):
            title = _title(name)
            be = "are" if re.search(r"(?<![su])s$", title) else "is"
            asked = f"What {be} the {title} of {key}?"
            answer = f"The {title} of {key} {be} {_low_value(said)}."
            yield Found("table", asked, answer, start, end)


def _named(header: str) -> bool:
    """Whether a column's title names a thing that a row can have: not "From", nor "Add members"."""
    words = header.lower().split()
    return (
        1 <= len(words) <= 5
        and words[0] not in VERBS | _VAGUE | {"reply", "default", "value", "values", "notes"}
        and words[-1] not in _VAGUE
        and all(word.isalpha() for word in words)
    )


def _title(header: str) -> str:
    """A column's title inside a sentence: capitals stay on abbreviations only."""
    return " ".join(w.lower() if w[1:].islower() else w for w in header.split())


def _low_value(text: str) -> str:
    return _low_names(text) if len(text.split()) == 1 and text.isalpha() else text


def _up(text: str) -> str:
    return text[0].upper() + text[1:]
