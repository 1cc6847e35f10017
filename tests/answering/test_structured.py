"""Structured answers, with a model that writes what it is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.answering.scripted import Found, Scripted, answerer, passage

from groundtone.answering import schema
from groundtone.answering.answer import Usage
from groundtone.answering.judging import Judgement
from groundtone.answering.structured import StructuredAnswer, Structurer
from groundtone.settings import Answering, Chat

TRASH = passage(
    "Deleted boards stay in the trash for 30 days. An Admin may empty the trash earlier.",
    title="Trash",
)
MAIL = passage("Mail rules run every 5 minutes. Closed tickets are not changed.", title="Mail")
QUESTION = "How long do deleted boards stay in the trash?"
REFUSAL = "The documents do not answer this question."


def shape(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


NUMBER, TEXT = {"type": "integer"}, {"type": "string"}
OR_NULL = {"type": ["string", "null"]}


def ask(written: Any, like: dict[str, Any], **options: Any) -> StructuredAnswer:
    finish = options.pop("finish", "stop")
    checker = options.pop("checker", None)
    said = written if isinstance(written, str) else json.dumps(written)
    engine = Scripted(said, finish=finish)
    made = answerer(engine, Found(TRASH, MAIL), **options)
    settings = Answering(**{"evidence_below": 0.0, **options})
    structurer = Structurer(
        made, lambda: engine, settings, Chat(max_tokens=64), checker=checker and (lambda: checker)
    )
    answer = structurer.ask(QUESTION, schema.check(like), model="scripted")
    json.dumps(answer.to_json())
    return answer


def test_every_value_has_the_sentence_it_stands_in() -> None:
    answer = ask({"days": 30, "who": "Admin"}, shape(days=NUMBER, who=TEXT))
    assert not answer.refused
    assert answer.value == {"days": 30, "who": "Admin"}
    assert json.loads(answer.text) == answer.value
    days, who = answer.leaves
    assert (days.path, days.now, days.value, days.supported) == ("/days", "/days", 30, True)
    (citation,) = days.citations
    assert citation.quote == "Deleted boards stay in the trash for 30 days."
    assert TRASH.text[citation.start - 100 : citation.end - 100] == citation.quote
    assert (citation.title, citation.marker, citation.sentence) == ("Trash", "[1]", "days: 30")
    assert who.citations[0].quote.startswith("An Admin")
    assert answer.citations == (*days.citations, *who.citations)
    assert answer.unsupported == ()
    assert answer.usage.prompt_tokens == 10


class Doubter:
    """A checker that believes numbers only, and counts its words."""

    def judge(self, said: Any, evidence: Any) -> Judgement:
        self.asked = list(said)
        return Judgement(tuple(float(text[-1].isdigit()) for text in said), Usage(7, 1))


def test_a_named_checker_has_the_word_on_what_stands() -> None:
    doubter = Doubter()
    like = shape(days=NUMBER, who=OR_NULL, else_=OR_NULL)
    written = {"days": 30, "who": "Admin", "else_": "Owner"}
    answer = ask(written, like, checker=doubter)
    assert doubter.asked == ["days: 30", "who: Admin"], "what stands nowhere is lost already"
    assert answer.value == {"days": 30, "who": None, "else_": None}
    assert [leaf.support for leaf in answer.leaves[:2]] == [1.0, 0.0]
    assert answer.usage.prompt_tokens == 17


def test_strict_makes_what_stands_nowhere_null() -> None:
    answer = ask({"days": 30, "who": "Owner"}, shape(days=NUMBER, who=OR_NULL))
    assert answer.value == {"days": 30, "who": None}
    assert answer.written == {"days": 30, "who": "Owner"}
    assert answer.unsupported == ("who: Owner",)
    who = answer.leaves[1]
    assert (who.path, who.now, who.supported, who.citations) == ("/who", None, False, ())


def test_strict_leaves_out_what_is_optional_and_items_of_lists() -> None:
    like = shape(days=NUMBER, roles={"type": "array", "items": TEXT})
    like["properties"]["note"] = TEXT
    written = {"days": 30, "roles": ["Owner", "Admin"], "note": "Blue"}
    answer = ask(written, like)
    assert answer.value == {"days": 30, "roles": ["Admin"]}
    assert [(leaf.path, leaf.now) for leaf in answer.leaves] == [
        ("/days", "/days"), ("/roles/0", None), ("/roles/1", "/roles/0"), ("/note", None),
    ]  # fmt: skip


def test_strict_refuses_where_the_schema_wants_what_stands_nowhere() -> None:
    answer = ask({"days": 30, "who": "Owner"}, shape(days=NUMBER, who=TEXT))
    assert (answer.refused, answer.text, answer.value) == (True, REFUSAL, None)
    assert "/who" in answer.reason
    assert answer.unsupported == ("who: Owner",)
    assert answer.leaves[0].citations  # what was right is shown even so
    assert answer.citations == ()
    nothing = ask({"days": 90}, shape(days={"type": ["integer", "null"]}))
    assert nothing.refused
    assert "none" in nothing.reason or "no passage" in nothing.reason
    assert ask({"days": None}, shape(days={"type": ["integer", "null"]})).refused


@pytest.mark.parametrize("mode", ["mark", "off"])
def test_other_modes_keep_it_and_list_it(mode: str) -> None:
    answer = ask({"days": 90}, shape(days=NUMBER), check=mode)
    assert answer.value == {"days": 90}
    assert answer.unsupported == ("days: 90",)
    assert answer.leaves[0].now == "/days"


@pytest.mark.parametrize(
    ("written", "finish", "reason"),
    [
        ('{"days": 3', "length", "max_tokens"),
        ("I do not know.", "stop", "no JSON"),
        ("", "stop", "no JSON"),
        ('{"days": NaN}', "stop", "no JSON"),
        ('{"days": "30"}', "stop", r"breaks the schema at $.days"),
        ("[" * 100_000, "stop", "no JSON"),
    ],
)
def test_what_breaks_the_schema_is_a_refusal(written: str, finish: str, reason: str) -> None:
    answer = ask(written, shape(days=NUMBER), finish=finish)
    assert answer.refused
    assert answer.value is None
    assert reason in answer.reason


def test_the_prompt_shows_the_shape_and_the_engine_gets_a_narrowed_schema() -> None:
    asked: list[dict[str, Any]] = []

    class Keeping(Scripted):
        def stream(self, messages: Any, **options: Any) -> Any:
            asked.append(options)
            return super().stream(messages, **options)

    like = shape(who=TEXT)
    for name, limited in (("scripted", True), ("openai:model", False)):
        engine = Keeping('{"who": "Admin"}')
        engine.name = name
        made = answerer(engine, Found(TRASH))
        answer = Structurer(made, lambda e=engine: e, Answering(evidence_below=0), Chat()).ask(  # type: ignore[misc]
            QUESTION, schema.check(like), model=name
        )
        assert answer.value == {"who": "Admin"}
        assert '"who"' in engine.asked[0][-1]["content"]
        assert engine.asked[0][-1]["content"].startswith(QUESTION)
        assert ("maxLength" in str(asked[-1]["json_schema"])) == limited


def test_too_little_evidence_asks_no_model() -> None:
    answer = ask({"days": 30}, shape(days=NUMBER), evidence_below=1.0)
    assert answer.refused
    assert answer.model == ""
    assert "evidence" in answer.reason
    assert len(answer.passages) == 2


LIKE = shape(
    days={"type": ["integer", "null"]},
    who=TEXT,
    more={"type": "array", "items": shape(name=TEXT, on={"type": "boolean"})},
)


@given(
    st.fixed_dictionaries(
        {
            "days": st.one_of(st.none(), st.sampled_from([30, 5, 90]), st.integers()),
            "who": st.one_of(st.sampled_from(["Admin", "Owner", "", "tickets"]), st.text()),
            "more": st.lists(
                st.fixed_dictionaries(
                    {"name": st.sampled_from(["trash", "x", "mail rules"]), "on": st.booleans()}
                ),
                max_size=4,
            ),
        }
    )
)
def test_an_answer_is_valid_and_cites_every_value(written: dict[str, Any]) -> None:
    answer = ask(written, LIKE)
    if answer.refused:
        assert answer.reason
        return
    assert schema.check(LIKE).faults(answer.value) == []
    for leaf in answer.leaves:
        assert (leaf.now is None) != bool(leaf.citations)
        for citation in leaf.citations:
            source = TRASH if citation.title == "Trash" else MAIL
            assert source.text[citation.start - 100 : citation.end - 100] == citation.quote
