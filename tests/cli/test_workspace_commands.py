"""init, sync, search and doctor on a small workspace."""

from __future__ import annotations

import errno
import json
import re
import shutil
import sqlite3
from pathlib import Path

import pytest
from tests.cli.calling import command

from groundtone.catalog import connecting
from groundtone.cli.search import FIELDS
from groundtone.syncing import guarding


def test_init_makes_a_workspace_whose_settings_load(call, tmp_path: Path) -> None:
    from groundtone.settings import Settings

    made = call("init", tmp_path / "kb", "--json")
    assert made.code == 0
    assert made.json["created"] is True
    assert (tmp_path / "kb" / "groundtone.toml").exists()
    assert Settings.load(tmp_path / "kb") == Settings()
    assert call("init", tmp_path / "kb", "--json").json["created"] is False


def test_init_writes_settings_that_can_be_uncommented(call, tmp_path: Path) -> None:
    from groundtone.settings import Settings

    call("init", tmp_path)
    toml = tmp_path / "groundtone.toml"
    shown = re.sub(r"(?m)^# (?=\w+ = [^ ])", "", toml.read_text("utf-8"))
    assert shown != toml.read_text("utf-8")
    toml.write_text(shown, "utf-8")
    assert Settings.load(tmp_path) == Settings()


def test_init_says_when_weights_are_missing(
    call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDTONE_CACHE", str(tmp_path / "cache"))
    made = call("init", tmp_path / "kb", "--json").json
    assert made["missing_weights"] == ["all-minilm-l6-v2", "smollm2-135m-instruct"]
    assert made["next"][0] == "groundtone models fetch"


def test_init_where_nothing_can_be_made(call, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert call("init", tmp_path / "file").code == 2


def test_sync_counts_and_ends_with_1_when_files_fail(call, tmp_path: Path, minilm: object) -> None:
    kb, docs = tmp_path / "kb", tmp_path / "docs"
    docs.mkdir()
    (docs / "a.md").write_text("# Guide\n\n## 1.1 Start\n\nTurn the key to the right.\n")
    (docs / "b.pdf").write_bytes(b"%PDF-1.4 broken")
    call("init", kb)
    first = call("sync", docs, "--workspace", kb, "--json")
    assert first.code == 1
    assert first.json["added"] == 1
    assert [failed["path"] for failed in first.json["failed"]] == ["b.pdf"]
    (docs / "b.pdf").unlink()
    second = call("sync", "--workspace", kb, "--json")
    assert (second.code, second.json["unchanged"], second.json["added"]) == (0, 1, 0)
    (docs / "a.md").unlink()
    assert call("sync", "--workspace", kb, "--json").json["deleted"] == 1


def test_sync_for_people_names_files_and_reasons(call, tmp_path: Path, minilm: object) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "empty.md").write_text("")
    call("init", tmp_path / "kb")
    result = call("sync", tmp_path / "docs", "--workspace", tmp_path / "kb")
    assert result.code == 1
    assert "empty.md" in result.out
    assert "added" in result.out


@pytest.mark.parametrize("rest", [[], ["nowhere"]])
def test_sync_without_a_source_is_wrong_use(
    call, tmp_path: Path, minilm: object, rest: list[str]
) -> None:
    call("init", tmp_path)
    result = call("sync", *rest, "--workspace", tmp_path)
    assert result.code == 2


def test_search_prints_the_declared_shape(call, manual: Path) -> None:
    found = call("search", "reset my password", "-k", "3", "--workspace", manual, "--json").json
    assert len(found) == 3
    assert [tuple(row) for row in found] == [FIELDS] * 3
    assert [row["rank"] for row in found] == [1, 2, 3]
    assert found[0]["section"] == "2.1"


def test_search_spans_are_those_of_the_file(call, manual: Path) -> None:
    found = call("search", "reset my password", "-k", "1", "--workspace", manual, "--json").json[0]
    text = (manual / "guides" / found["document"]).read_text("utf-8")
    assert text[found["start"] : found["end"]] == found["text"]


def test_search_for_people_shows_labels_as_they_are(call, manual: Path) -> None:
    result = call("search", "ERR-1042", "--workspace", manual)
    assert result.code == 0
    assert "Error Code Reference" in result.out
    assert result.err == ""


def test_search_answers_a_file_of_questions(call, manual: Path, tmp_path: Path) -> None:
    queries, out = tmp_path / "q.jsonl", tmp_path / "out.jsonl"
    queries.write_text('{"id": "a", "question": "reset"}\n{"question": "What is ERR-1003?"}\n')
    done = call(
        "search", "--queries", queries, "--out", out, "-k", 2, "--workspace", manual, "--json"
    )
    assert done.json["questions"] == 2
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [row["id"] for row in rows] == ["a", "2"]
    assert all(len(row["passages"]) == 2 for row in rows)


def test_search_in_an_empty_workspace_says_so(call, tmp_path: Path, minilm: object) -> None:
    call("init", tmp_path)
    assert "groundtone sync" in call("search", "x", "--workspace", tmp_path).out
    assert call("search", "x", "--workspace", tmp_path, "--json").json == []


def test_the_workspace_is_found_upward(manual: Path) -> None:
    result = command("search", "password", "-k", "1", "--json", cwd=manual / "guides")
    assert (result.code, len(json.loads(result.out))) == (0, 1)


def test_broken_settings_name_the_field(call, tmp_path: Path) -> None:
    call("init", tmp_path)
    (tmp_path / "groundtone.toml").write_text("[retrieval]\nk = 0\n")
    result = call("search", "x", "--workspace", tmp_path)
    assert result.code == 2
    assert "retrieval.k" in result.err


def test_doctor_is_content_with_a_good_workspace(call, manual: Path) -> None:
    result = call("doctor", "--workspace", manual, "--json")
    lines = {check["name"]: check for check in result.json["checks"]}
    assert lines["index"]["level"] == "ok"
    assert "3 documents" in lines["documents"]["text"]


def test_doctor_sees_a_lost_index(call, manual: Path, tmp_path: Path) -> None:
    kb = tmp_path / "kb"
    shutil.copytree(manual, kb)
    shutil.rmtree(kb / ".groundtone" / "index")
    result = call("doctor", "--workspace", kb, "--json")
    index = next(check for check in result.json["checks"] if check["name"] == "index")
    assert result.code in (1, 3)
    assert index["level"] == "warn"
    assert "groundtone sync" in index["remedy"]


def test_a_workspace_that_cannot_be_written_is_named(
    call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("init", tmp_path / "kb")
    call("keys", "list", "--workspace", tmp_path / "kb")  # makes the catalog

    def closed(*_: object) -> None:
        raise sqlite3.OperationalError("unable to open database file")

    def locked(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(guarding.FileLock, "acquire", locked)
    result = call("doctor", "--workspace", tmp_path / "kb", "--json")
    [lock] = [check for check in result.json["checks"] if check["name"] == "lock"]
    assert result.code == 3 and lock["level"] == "fail"
    assert "cannot be written: read-only file system" in lock["text"]
    monkeypatch.setattr(connecting, "_prepare_sqlite", closed)
    result = call("doctor", "--workspace", tmp_path / "kb", "--json")
    faults = [check for check in result.json["checks"] if "opened for writing" in check["text"]]
    assert result.code == 3 and faults
    assert all("writable" in check["remedy"] for check in faults)
    result = call("keys", "list", "--workspace", tmp_path / "kb")
    assert result.code == 3 and "(this is a bug)" not in result.err and "writable" in result.err


def test_doctor_sees_missing_weights(call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDTONE_CACHE", str(tmp_path / "cache"))
    result = call("doctor", "--json")
    weights = [check for check in result.json["checks"] if check["name"] == "weights"]
    assert result.code == 3
    assert all("models fetch" in check["remedy"] for check in weights)


def test_doctor_sees_broken_settings(call, tmp_path: Path) -> None:
    call("init", tmp_path)
    (tmp_path / "groundtone.toml").write_text("[nothing]\n")
    result = call("doctor", "--workspace", tmp_path, "--json")
    assert result.code == 3
    assert "nothing" in result.out


def test_a_tuned_model_is_shown_and_compared(call, tmp_path: Path) -> None:
    from groundtone.catalog import StoredModel
    from groundtone.workspace import Workspace

    call("init", tmp_path)
    with Workspace.open(tmp_path) as opened:
        for id, gate in (("a", None), ("b", {"passed": False, "reasons": ["no"], "form": 0.5})):
            opened.catalog.put_model(
                StoredModel(
                    f"ft:m:x:{id}", "m", "lora", "", "0", {}, {"gate": gate} if gate else {}
                )
            )
    where = ("--workspace", tmp_path)
    assert "refused" in call("models", "show", "b", *where).out
    assert call("models", "show", "a", *where, "--json").json["gate"] is None
    assert "house style" in call("models", "compare", "a", "b", *where).out
    assert call("models", "compare", "a", "b", *where, "--json").json["passed"] == [None, False]
