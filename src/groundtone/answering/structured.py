"""Answers as JSON that follows a schema, each leaf with the passage sentence it stands in.

The engine can write nothing but JSON of the schema (constrained decoding). What it wrote is then
checked leaf by leaf, as sentences are: a leaf that no passage holds becomes null or is left out
where the schema allows that, else the whole is a refusal (mode ``strict``).
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from groundtone.answering import gate, injection, leaves, showing
from groundtone.answering.answer import Answer, Citation, Timings, Usage, Verdict
from groundtone.answering.attribution import Attribution
from groundtone.answering.checking import Checked
from groundtone.answering.conversation import remember
from groundtone.answering.evidence import Embed, Evidence
from groundtone.answering.judging import Checker
from groundtone.answering.pipeline import Answerer
from groundtone.answering.prompt import Message, tier_of
from groundtone.answering.schema import Schema, narrowed, sketch
from groundtone.chat import ChatEngine, Completion
from groundtone.retrieval import Passage
from groundtone.settings import Answering, Chat

_PLAIN = "{question}\n\nAnswer as JSON: {sketch}"
_STRONG = (
    "{question}\n\nAnswer with JSON that follows this schema and nothing else, without passage "
    "numbers in it. A value that the passages do not hold is null, or left out, where the schema "
    "allows it.\n{schema}"
)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value of a structured answer.

    Attributes:
        path: JSON pointer into what the model wrote.
        now: JSON pointer into the answer's value; None when it was taken out.
        value: what the model wrote there.
        support: 0..1, of "name: value".
        supported: whether a passage holds it.
        citations: where.
    """

    path: str
    now: str | None
    value: Any
    support: float
    supported: bool
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class StructuredAnswer(Answer):
    """An answer whose ``text`` is JSON; ``sentences`` are its leaves as "name: value".

    Attributes:
        value: the JSON value, valid by the schema; None for a refusal.
        written: what the model wrote, before unsupported leaves were taken out; None when it wrote
            nothing or no JSON.
        leaves: every value that the model wrote, null excepted.
        reason: why it is refused; "" when it is not.
    """

    value: Any = None
    written: Any = None
    leaves: tuple[Leaf, ...] = ()
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the shape that ``ask --schema FILE --json`` prints."""
        more = {
            "value": self.value,
            "written": self.written,
            "leaves": [asdict(leaf) for leaf in self.leaves],
            "reason": self.reason,
        }
        return {**Answer.to_json(self), **more}  # super() does not work with slots


class Structurer:
    """Answers questions with JSON of one schema.

    Args:
        answerer: finds passages and composes prompts.
        chat: the engine, opened by the first question that needs it.
        settings, limits: those of the answerer.
        embed: makes the vectors of sentences; None compares words only.
        checker: opens the model that judges in place of the fitted score, where one is named. A
            value that stands in no passage is not for it to save.
    """

    def __init__(
        self,
        answerer: Answerer,
        chat: Callable[[], ChatEngine],
        settings: Answering,
        limits: Chat,
        embed: Embed | None = None,
        checker: Callable[[], Checker] | None = None,
    ) -> None:
        self._answerer = answerer
        self._chat = chat
        self._settings = settings
        self._limits = limits
        self._embed = embed
        self._checker = checker

    def ask(
        self,
        question: str,
        schema: Schema,
        *,
        model: str,
        system: str = "",
        history: Sequence[Message] = (),
    ) -> StructuredAnswer:
        """Answer one question; arguments as in `Answerer.stream`.

        Raises:
            EngineError: the engine failed, for instance on a schema that it does not understand.
        """
        began = time.perf_counter()
        known = remember(question, history, tokens=self._settings.history_tokens)
        passages = self._answerer.retrieve(known.searched)
        found = gate.evidence(known.searched, passages, embed=self._embed)
        searched = time.perf_counter()
        about = {
            "searched": known.searched,
            "forgotten": known.forgotten,
            "evidence": found,
            "passages": tuple(passages),
            "flagged": tuple(p.rank for p in passages if injection.spans(p.text)),
        }
        if not self._answerer.enough(passages, found):
            spent = Timings(search=_ms(began, searched), total=_ms(began, searched))
            refused = self._refused(question, "the passages give too little evidence")
            return replace(refused, timings=spent, **about)  # type: ignore[arg-type]
        prompt = self._answerer.prompt(self._asked(known.searched, schema), passages, system=system)
        composed = time.perf_counter()
        first, done = self._write(prompt.messages, schema, model)
        wrote = time.perf_counter()
        answer = self._finish(question, known.searched, done, schema, prompt.passages)
        usage = Usage(done.prompt_tokens, done.completion_tokens) + answer.usage
        ended = time.perf_counter()
        return replace(
            answer,
            model=model,
            usage=usage,
            timings=Timings(
                search=_ms(began, searched),
                prompt=_ms(searched, composed),
                first_token=_ms(began, first or wrote),
                check=_ms(wrote, ended),
                total=_ms(began, ended),
            ),
            **about,  # type: ignore[arg-type]
        )

    def _asked(self, question: str, schema: Schema) -> str:
        if tier_of(self._chat().name) == "strong":
            shown = json.dumps(schema.value, ensure_ascii=False)
            return _STRONG.format(question=question, schema=shown)
        return _PLAIN.format(question=question, sketch=sketch(schema.value))

    def _write(
        self, messages: Sequence[Message], schema: Schema, model: str
    ) -> tuple[float, Completion]:
        """What the engine wrote, and when its first piece came (0: never)."""
        strong = tier_of(self._chat().name) == "strong"
        stream = self._chat().stream(
            messages,
            model=model,
            max_tokens=self._limits.max_tokens,
            json_schema=schema.value if strong else narrowed(schema.value),
        )
        first = 0.0
        with contextlib.closing(stream):  # type: ignore[type-var]
            for piece in stream:
                if isinstance(piece, Completion):
                    return first, piece
                first = first or time.perf_counter()
        raise AssertionError("stream() ends with a Completion")

    def _finish(
        self,
        question: str,
        searched: str,
        done: Completion,
        schema: Schema,
        passages: Sequence[Passage],
    ) -> StructuredAnswer:
        try:
            written = json.loads(done.text, parse_constant=_no_json)
        except (ValueError, RecursionError):
            if done.finish == "length":
                most = self._limits.max_tokens
                why = f"the JSON was not complete after {most} tokens: raise chat.max_tokens"
            else:
                why = "the model wrote no JSON"
            return self._refused(question, why)
        if faults := schema.faults(written):
            why = f"what the model wrote breaks the schema at {faults[0]}"
            return self._refused(question, why, written)
        claims = tuple(leaves.claims(written))
        evidence = Evidence(passages, self._embed)
        below = self._settings.support_below
        found = [leaves.judge(claim, searched, evidence, below) for claim in claims]
        found, usage = self._judged(claims, found, evidence)
        shown = self._shown(question, written, claims, found, schema, passages)
        return replace(shown, usage=usage)

    def _judged(
        self, claims: Sequence[leaves.Claim], found: list[Attribution], evidence: Evidence
    ) -> tuple[list[Attribution], Usage]:
        """What stands somewhere, as the checker sees it; and what asking it took."""
        standing = [at for at, one in enumerate(found) if one.sources]
        if self._checker is None or not standing:
            return found, Usage()
        told = self._checker().judge([claims[at].text for at in standing], evidence)
        for at, support in zip(standing, told.scores, strict=True):
            kept = found[at].sources if support >= self._settings.support_below else ()
            found[at] = Attribution(support, kept)
        return found, told.usage

    def _shown(
        self,
        question: str,
        written: Any,
        claims: Sequence[leaves.Claim],
        found: Sequence[Attribution],
        schema: Schema,
        passages: Sequence[Passage],
    ) -> StructuredAnswer:
        """Take out what nothing supports, in the mode ``strict``, and cite the rest."""
        value, places = written, {claim.path: claim.path for claim in claims}
        pairs = list(zip(claims, found, strict=True))
        verdicts = tuple(Verdict(c.text, a.score, bool(a.sources)) for c, a in pairs)
        lost = [claim.path for claim, where in pairs if not where.sources]
        reason = "" if claims else "the model found no value in the passages"
        if self._settings.check == "strict" and lost:
            left = leaves.without(written, lost, lambda made: not schema.faults(made))
            if len(lost) == len(claims):
                reason = "no passage holds any of the values that the model wrote"
            elif left is None:
                first = leaves.pointer(lost[0])
                reason = f"no passage holds the value at {first}, which the schema requires"
            else:
                value, places = left[0], left[1]  # type: ignore[assignment]
        kept = tuple((c.text, a if a.sources else None) for c, a in pairs)
        said = tuple(claim.text for claim in claims)
        checked = Checked(said, kept, verdicts)
        shown = showing.show(question, checked, passages, self._settings)
        rest = list(shown.citations)
        made = []
        for claim, where in pairs:
            own, rest = rest[: len(where.sources)], rest[len(where.sources) :]
            now = None if reason else places[claim.path]
            made.append(
                Leaf(
                    leaves.pointer(claim.path),
                    None if now is None else leaves.pointer(now),
                    claim.value,
                    where.score,
                    bool(where.sources),
                    tuple(own),
                )
            )
        if reason:
            refused = self._refused(question, reason, written)
            return replace(
                refused, leaves=tuple(made), verdicts=verdicts, unsupported=_unsupported(verdicts)
            )
        return StructuredAnswer(
            question=question,
            text=json.dumps(value, ensure_ascii=False),
            bare_text=json.dumps(value, ensure_ascii=False),
            refused=False,
            sentences=tuple(c.text for c in claims if places[c.path] is not None),
            citations=shown.citations,
            unsupported=_unsupported(verdicts),
            model="",
            verdicts=verdicts,
            value=value,
            written=written,
            leaves=tuple(made),
        )

    def _refused(self, question: str, reason: str, written: Any = None) -> StructuredAnswer:
        words = self._settings.refusal
        return StructuredAnswer(
            question, words, words, True, (words,), (), (), "", written=written, reason=reason
        )


def _no_json(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


def _unsupported(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    return tuple(verdict.sentence for verdict in verdicts if not verdict.supported)


def _ms(start: float, end: float) -> float:
    return round((end - start) * 1000, 1)
