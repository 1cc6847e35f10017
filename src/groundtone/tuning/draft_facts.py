"""Facts as manuals state them, and the questions they answer: how many, how long, where, what."""

from __future__ import annotations

import re

from groundtone.answering.wording import wording
from groundtone.tuning.draft_reports import REPORTED
from groundtone.tuning.draft_words import MARK, VAGUE, low_names, subject_of, usable

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

# "The evolving needs of our industry may …", "New export controls could …": no verbs, but nouns.
_NO_OBJECT = re.compile(
    r"(?:of|to|for|in|on|at|by|with|from|under|over|between|within|and|or|as|than|that|which)\b"
)
_LATER_VERB = re.compile(
    r"^(?:(?!\b(?:that|which|who|whose|when|where|if|what|how|why|because|so|until|unless)\b).)*"
    r"\b(?:is|are|was|were|can|could|may|might|must|shall|should|will|would|has|have|had)\b"
)


def fact(said: str) -> tuple[str, str] | None:
    """The rule that a sentence fits, and the question that it answers."""
    if not usable(said):
        return None
    loose = said.split()[0].lower() in VAGUE - {"every"}  # unless it begins with a time
    for rule in REPORTED if loose else (*_STATED, *REPORTED):
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
        subject = subject_of(match["subject"])
        if subject:
            return f"How many {match['what']} can {subject} {match['verb']}{match['rest']}?"
    match = re.fullmatch(
        rf"{_SUBJECT} costs (?:(?:about|only|from|up to|at (?:least|most)) )?"
        r"(?:[A-Z]{3} ?|[$€£¥] ?)?\d.*\.",  # "reduced fulfillment costs by $95 million" has no verb
        said,
    )
    if match and (subject := subject_of(match["subject"])):
        return f"How much does {subject} cost?"
    match = re.fullmatch(
        rf"{_SUBJECT} (?P<verb>includes|has|have|include|needs|need) {_NUMBER} "
        rf"{_THINGS}\.",
        said,
    )
    if match and (subject := subject_of(match["subject"])):
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
    if match and " and " not in match["state"] and (subject := subject_of(match["subject"])):
        if match["be"] in ("is", "are"):
            return f"How long {match['be']} {subject} {match['state']}?"
        base = match["be"].removesuffix("s")
        return (
            f"How long {'does' if match['be'] != base else 'do'} {subject} {base} {match['state']}?"
        )
    match = re.fullmatch(rf"{_SUBJECT} (?P<verb>lasts?|takes?) (?:up to |about )?{_TIME}\.", said)
    if match and (subject := subject_of(match["subject"])):
        base = match["verb"].removesuffix("s")
        return f"How long {'does' if match['verb'] != base else 'do'} {subject} {base}?"
    match = re.fullmatch(
        rf"{_SUBJECT} (?P<verb>expires?|ends?|"
        rf"(?:is|are) (?:closed|deleted|erased|removed|archived)) after {_TIME}\.",
        said,
    )
    if match and (subject := subject_of(match["subject"])):
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
    if match and (subject := subject_of(match["subject"])):
        return f"How often {match['be']} {subject} {match['state']}{match['rest']}?"
    return None


def _definition(said: str) -> str | None:
    """ "ERR-1101 means that …"; "A queue is a list of …"."""
    match = re.fullmatch(rf"{_SUBJECT} means (?:that )?.+\.", said)
    if match and len(match["subject"].split()) <= 6 and (subject := subject_of(match["subject"])):
        return f"What does {subject} mean?"
    match = re.fullmatch(
        r"(?P<subject>(?:An?|The) [\w-]+(?: [\w-]+){0,2}) (?:is|are) (?P<kind>an?|one) "
        r"(?P<noun>[a-z]+) (?:that|which|of|for|with|in|to|who|where) .+\.",
        said,
    )
    if match and (subject := subject_of(match["subject"])):
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
        return f"What is the {low_names(match['subject'])}?"
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
        subject = subject_of(match["subject"])
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
    subject = subject_of(match["subject"])
    return f"Can {subject} {rest}?" if subject else None


def _present(said: str) -> str | None:
    """ "The list Help > Recent Errors shows the errors of the last 48 hours."."""
    match = re.fullmatch(
        rf"{_SUBJECT} (?P<verb>{'|'.join(_PRESENT)}) (?P<object>[^:;]{{5,140}})\.", said
    )
    if match is None:
        return None
    subject = "" if re.search(r"\b(?:and|or)\b", match["subject"]) else subject_of(match["subject"])
    # "The answer", "a late device": which one, a reader of the question could not tell.
    if re.match(rf"{MARK}\w+ing\b", subject):
        return None  # an action: it is asked how, not what
    if _NO_OBJECT.match(match["object"]) or _LATER_VERB.search(match["object"]):
        return None
    named = re.search(r"[A-Z0-9/_.-]", subject.replace(MARK, ""))
    if len(subject.split()) < 2 or not (named or len(subject.split()) > 3):
        return None
    if match["verb"] in ("shows", "accepts", "returns", "prints") and not re.search(
        r"[>/_]|\d|--|\b(?:list|page|report|view|command|option)\b", subject
    ):
        return None
    return f"What does {subject} {_PRESENT[match['verb']]}?"


_STATED = (_amount, _duration, _frequency, _definition, _value, _place, _ability, _present)


def _sound(question: str) -> bool:
    words = question.split()
    return 4 <= len(words) <= 22 and len(wording(question).content) >= 1
