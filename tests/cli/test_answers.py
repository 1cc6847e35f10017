"""ask and compare, with the real model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.calling import command

CITATION = {
    "marker", "sentence", "document", "title", "section", "page", "start", "end", "quote", "score",
}  # fmt: skip


@pytest.mark.slow
def test_ask_prints_the_declared_shape_and_quotes_that_open(
    call, manual: Path, smollm: object
) -> None:
    result = call("ask", "What does ERR-1003 mean?", "--workspace", manual, "--json")
    assert result.code == 0
    answer = result.json
    assert {
        "answer", "refused", "citations", "unsupported", "model", "usage", "timings_ms", "passages"
    } <= set(answer)  # fmt: skip
    for citation in answer["citations"]:
        assert set(citation) >= CITATION
        path = manual / "guides" / citation["document"]
        if path.suffix == ".md":
            text = path.read_text("utf-8")
            assert text[citation["start"] : citation["end"]] == citation["quote"]


@pytest.mark.slow
def test_ask_for_people_shows_where_each_quote_stands(call, manual: Path, smollm: object) -> None:
    result = call("ask", "What does ERR-1003 mean?", "--workspace", manual)
    assert result.code == 0
    assert "tokens" in result.out
    assert result.err == ""
    if "· support" in result.out:
        places = [line for line in result.out.splitlines() if ".md:" in line]
        assert places
        path, _, line = places[0].strip().rpartition(":")
        assert int(line) <= len(Path(path).read_text("utf-8").splitlines())


def test_an_empty_question_is_wrong_use(call, manual: Path) -> None:
    assert call("ask", "  ", "--workspace", manual).code == 2


def test_an_unknown_model_is_wrong_use(call, manual: Path) -> None:
    result = call("ask", "x", "--model", "ft:none", "--workspace", manual)
    assert result.code == 2
    assert "models list" in result.err


def test_missing_weights_are_not_possible_now(
    call, manual: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDTONE_CACHE", str(tmp_path))
    result = call("ask", "reset", "--workspace", manual, "--json")
    assert result.code == 3
    assert "models fetch" in result.json["error"]["remedy"]


@pytest.mark.slow
def test_compare_writes_report_and_table(manual: Path, tmp_path: Path, smollm: object) -> None:
    rows = [{"id": "1", "question": "What does ERR-1003 mean?", "answers": ["locked"]}]
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    result = command(
        "compare", "q.jsonl", "--arms", "base,rag", "--html", "r.html", "--markdown", "r.md",
        "--workspace", manual, "--json", cwd=tmp_path,
    )  # fmt: skip
    assert result.code == 0, result.err
    assert set(result.json["arms"]) == {"base", "rag"}
    assert result.json["html"] == "r.html"
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "://" not in page.partition("</head>")[0]
    assert "| base | rag |" in (tmp_path / "r.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--arms", "base,wizard"], "wizard"),
        (["--arms", ","], "no arm"),
        (["--arms", "both"], "tune"),
        (["--style", "nowhere.toml"], "nowhere.toml"),
        (["--tuned", "nobody"], "nobody"),
    ],
)
def test_compare_refuses_what_cannot_be(
    call, manual: Path, tmp_path: Path, smollm: object, options: list[str], says: str
) -> None:
    (tmp_path / "q.jsonl").write_text('{"question": "x"}')
    result = call("compare", tmp_path / "q.jsonl", *options, "--workspace", manual)
    assert result.code == 2
    assert says in result.err


def test_compare_names_faults_in_the_questions(call, manual: Path, tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text('{"question": ""}\n{\n')
    result = call(
        "compare", tmp_path / "q.jsonl", "--arms", "base", "--workspace", manual, "--json"
    )
    assert result.code == 2
    assert "line 1" in result.json["error"]["message"]
    assert "line 2" in result.json["error"]["message"]
