"""Question files, good and bad."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundtone.errors import WrongUse
from groundtone.evaluation import Evidence, load_questions
from groundtone.evaluation.questions import parse_questions


def write(folder: Path, *lines: object) -> Path:
    path = folder / "questions.jsonl"
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def test_reads_every_field(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {
            "id": "a",
            "question": " How many? ",
            "answers": ["30 days", "thirty days"],
            "evidence": [{"doc": "a/b.md", "page": 2, "section": 2.1, "text": "30 days"}],
            "mode": "exact",
        },
        "",
        {"question": "Who?", "answerable": False},
        {"id": 7, "question": "Line\u2028separator?"},
    )
    first, second, third = load_questions(path)
    assert first.question == "How many?"
    assert first.answers == ("30 days", "thirty days")
    assert first.evidence == (Evidence("a/b.md", 2, "2.1", "30 days"),)
    assert first.answerable
    assert (second.id, second.answerable, second.answers) == ("3", False, ())
    assert third.id == "7"


def test_reads_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"question": "Who?"}\r\n{"question": "What?"}\r\n')
    assert [question.id for question in load_questions(path)] == ["1", "2"]


BAD = [
    ('{"question": ', "line 2: not JSON"),
    ("[1]", "line 2: must be an object, not a list"),
    ({"id": "b"}, "line 2: field question: must be a text that is not empty, not nothing"),
    ({"question": "  "}, "line 2: field question"),
    ({"question": "?", "id": True}, "line 2: field id"),
    ({"question": "?", "id": "first"}, 'line 2: field id: "first" is already on line 1'),
    ({"question": "?", "answers": "x"}, "line 2: field answers: must be a list"),
    ({"question": "?", "answers": ["x", 3]}, "line 2: field answers[1]: must be a text"),
    ({"question": "?", "answers": ["!!"]}, "line 2: field answers[0]: holds no word"),
    ({"question": "?", "answer": ["x"]}, 'line 2: field answer: unknown; is "answers" meant?'),
    ({"question": "?", "answerable": "no"}, "line 2: field answerable"),
    ({"question": "?", "answerable": False, "answers": ["x"]}, "line 2: field answers: must be"),
    ({"question": "?", "evidence": {}}, "line 2: field evidence: must be a list"),
    ({"question": "?", "evidence": ["a.md"]}, "line 2: field evidence[0]: must be an object"),
    ({"question": "?", "evidence": [{}]}, "line 2: field evidence[0].doc"),
    ({"question": "?", "evidence": [{"doc": "a", "page": 0}]}, "line 2: field evidence[0].page"),
    ({"question": "?", "evidence": [{"doc": "a", "section": []}]}, "evidence[0].section"),
    ({"question": "?", "evidence": [{"doc": "a", "text": 1}]}, "evidence[0].text"),
]


@pytest.mark.parametrize(("line", "fault"), BAD)
def test_names_line_and_field(tmp_path: Path, line: object, fault: str) -> None:
    path = write(tmp_path, {"id": "first", "question": "Who?"}, line)
    with pytest.raises(WrongUse) as error:
        load_questions(path)
    assert fault in str(error.value)
    assert "1 fault(s)" in str(error.value)


def test_names_all_faults_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, *("{" for _ in range(40)))
    with pytest.raises(WrongUse) as error:
        load_questions(path)
    assert all(f"line {number}:" in str(error.value) for number in range(1, 41))


def test_names_unusable_files(tmp_path: Path) -> None:
    latin = tmp_path / "latin.jsonl"
    latin.write_bytes('{"question": "Où?"}'.encode("latin-1"))
    empty = write(tmp_path, "")
    for path, reason in (
        (latin, "not UTF-8"),
        (tmp_path / "absent", "No such file"),
        (empty, "no question"),
    ):
        with pytest.raises(WrongUse, match=reason):
            load_questions(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
FIELDS = st.sampled_from(["id", "question", "answers", "evidence", "answerable", "x"])


@given(st.lists(st.dictionaries(FIELDS, JSON) | JSON, max_size=4))
@settings(max_examples=60, deadline=None)
def test_any_line_gives_a_question_or_a_fault(rows: list[object]) -> None:
    questions, faults = parse_questions([json.dumps(row) for row in rows])
    named = {fault.split(":")[0] for fault in faults}
    assert len(questions) + len(named) == len(rows)
    assert len({question.id for question in questions}) == len(questions)
