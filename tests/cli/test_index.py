"""`groundtone index`: shown, moved and back, a collection of somebody else adopted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.calling import ROOT
from tests.servers import postgres_server
from tests.standins.s3 import S3, aws_keys

from groundtone import Workspace
from groundtone.index import Entry
from groundtone.workspace import index_carrying, stores

TOML = """\
# mine
[index]   # where it is
store = "lancedb"            # or another
# url = ""                     # of a server

[chat]
max_tokens = 64
"""
PAGES = {
    f"page-{n}.md": f"# Page {n}\n\nThe {word} panel opens with code E-{n}00.\n"
    for n, word in enumerate(["blue", "green", "red", "violet", "white", "black"])
}


@pytest.fixture
def kb(tmp_path: Path, minilm: object) -> Path:
    folder = tmp_path / "kb"
    (folder / "docs").mkdir(parents=True)
    for name, text in PAGES.items():
        (folder / "docs" / name).write_text(text)
    (folder / "groundtone.toml").write_text(TOML)
    with Workspace.open(folder) as workspace:
        workspace.sync(folder / "docs")
    return folder


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    pytest.importorskip("psycopg", reason="the extra `pgvector` is not installed")
    with postgres_server() as url:
        yield url


def found(folder: Path, question: str) -> str:
    with Workspace.open(folder) as workspace:
        return workspace.search(question)[0].document


def test_show_tells_where_the_index_is(call: Any, kb: Path) -> None:
    told = call("index", "show", "-w", kb, "--json").json
    assert told["store"] == "lancedb" and told["windows"] == told["documents"] == 6
    assert told["bytes"] > 0 and told["dimensions"] == 384
    assert "windows" in call("index", "show", "-w", kb).out


def test_show_never_tells_a_password(call: Any, kb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDTONE_INDEX__STORE", "pgvector")
    monkeypatch.setenv("GROUNDTONE_INDEX__URL", "postgresql://me:secret@127.0.0.1:9/db")
    result = call("index", "show", "-w", kb, "--json")
    assert "me@127.0.0.1" in result.out and "secret" not in result.out + result.err


def test_a_move_keeps_everything_and_embeds_nothing(
    call: Any, kb: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = call("index", "move", "--to", postgres, "--collection", "moved", "-w", kb, "--json")
    assert result.code == 0, result.err
    assert result.json["windows"] == result.json["carried"] == 6
    assert result.json["agreement"] == 1.0
    toml = (kb / "groundtone.toml").read_text()
    assert "# mine" in toml and "[index]   # where it is" in toml and "# or another" in toml
    assert tomllib.loads(toml)["index"] == {
        "store": "pgvector", "url": postgres, "collection": "moved",
    }  # fmt: skip
    assert found(kb, "the red panel") == "page-2.md"
    assert found(kb, "E-500") == "page-5.md"
    assert (kb / ".groundtone" / "index" / "lancedb-1").exists()
    with Workspace.open(kb) as workspace:
        report = workspace.sync()
        assert (report.unchanged, report.embedded) == (6, 0)
    assert not (kb / ".groundtone" / "index" / "lancedb-1").exists(), "swept by the sync"
    back = call("index", "move", "--to", "lancedb", "-w", kb, "--json")
    assert back.code == 0 and back.json["carried"] == 6
    assert found(kb, "the red panel") == "page-2.md"


def test_it_is_moved_into_a_bucket_compacted_there_and_moved_back(
    call: Any, kb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = S3(page=1000)
    aws_keys(monkeypatch)
    monkeypatch.setenv("GROUNDTONE_S3__ENDPOINT", bucket.endpoint)
    move = call("index", "move", "--to", "s3://manuals/kb/", "-w", kb, "--json")
    assert move.code == 0, move.err
    assert (move.json["windows"], move.json["agreement"]) == (6, 1.0)
    shown = call("index", "show", "-w", kb, "--json").json
    assert (shown["store"], shown["place"]) == ("lancedb", "s3://manuals/kb/")
    assert "already" in call("index", "move", "--to", "lancedb:s3://manuals/kb", "-w", kb).err
    assert found(kb, "the red panel") == "page-2.md"
    (kb / "docs" / "page-0.md").write_text("# Page 0\n\nThe golden panel is new.\n")
    with Workspace.open(kb) as workspace:
        report = workspace.sync()
        assert (report.updated, report.unchanged, report.embedded) == (1, 5, 1)
        workspace.indexes.current(384).add([left_behind()])
    assert not (kb / ".groundtone" / "index" / "lancedb-1").exists(), "swept by the sync"
    done = call("index", "compact", "-w", kb, "--json")
    assert (done.code, done.json["windows"], done.json["removed"]) == (0, 6, 1)
    assert found(kb, "the golden panel") == "page-0.md"
    assert call("index", "move", "--to", "lancedb", "-w", kb).code == 0
    with Workspace.open(kb) as workspace:
        assert workspace.sync().embedded == 0
    assert not bucket.objects, "removed by the sync after the move"
    bucket.close()


def left_behind() -> Entry:
    """A window of a sync that was killed before its document was known."""
    return Entry("gone:0:0", "gone", 0, 0, "text", np.ones(384, np.float32) / 384**0.5)


def test_there_is_nothing_to_compact_before_the_first_sync(call: Any, tmp_path: Path) -> None:
    (tmp_path / "groundtone.toml").write_text("")
    result = call("index", "compact", "-w", tmp_path)
    assert result.code == 2 and "groundtone sync" in result.err


def test_a_move_goes_on_where_it_was_killed(kb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("qdrant_client", reason="the extra `qdrant` is not installed")
    monkeypatch.setattr(index_carrying, "BATCH", 2)
    seen: list[int] = []

    def dies(done: int, _of: int) -> None:
        seen.append(done)
        if done == 5:
            raise KeyboardInterrupt

    with Workspace.open(kb) as workspace, pytest.raises(KeyboardInterrupt):
        stores.move(workspace, stores.parse("qdrant"), progress=dies)
    assert found(kb, "the red panel") == "page-2.md", "the old index is in use"
    # Meanwhile one page is changed and another deleted.
    (kb / "docs" / "page-0.md").write_text("# Page 0\n\nThe golden panel is new.\n")
    (kb / "docs" / "page-1.md").unlink()
    with Workspace.open(kb) as workspace:
        workspace.sync()
        report = stores.move(workspace, stores.parse("qdrant"))
        assert report.windows == 5 and report.carried < 5
        assert workspace.settings.index.store == "qdrant"
        assert workspace.search("golden panel")[0].document == "page-0.md"
        assert {p.document for p in workspace.search("panel", 10)} == {
            name for name in PAGES if name != "page-1.md"
        }


KILLED = """
import os, sys
from groundtone import Workspace
from groundtone.workspace import index_carrying, stores
index_carrying.BATCH = 2
def dies(done, of):
    if done == 5:
        os._exit(9)
stores.move(Workspace.open(sys.argv[1]), stores.parse("chroma"), progress=dies)
"""


def test_a_move_survives_the_end_of_its_process(call: Any, kb: Path) -> None:
    pytest.importorskip("chromadb", reason="the extra `chroma` is not installed")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, kb], env={**os.environ, "PYTHONPATH": str(ROOT / "src")}
    )
    assert done.returncode == 9
    assert (kb / "groundtone.toml").read_text() == TOML
    result = call("index", "move", "--to", "chroma", "-w", kb, "--json")
    assert result.code == 0, result.err
    assert (result.json["windows"], result.json["carried"]) == (6, 2)
    assert found(kb, "the red panel") == "page-2.md"


def test_what_cannot_be_moved_is_refused(
    call: Any, kb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*arguments: str, code: int = 2) -> str:
        result = call("index", "move", *arguments, "-w", kb)
        assert result.code == code, result.err
        assert (kb / "groundtone.toml").read_text() == TOML
        return str(result.err)

    assert "already" in refused("--to", "lancedb")
    assert "which store" in refused("--to", "http://somewhere:1")
    assert "secret" not in refused("--to", "postgresql://me:secret@host/db")
    assert "127.0.0.1" in refused("--to", "postgresql://me@127.0.0.1:9/db", code=3)
    monkeypatch.setenv("GROUNDTONE_INDEX__COLLECTION", "x")
    assert "environment" in refused("--to", "qdrant")
    monkeypatch.delenv("GROUNDTONE_INDEX__COLLECTION")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "groundtone.toml").write_text("")
    assert call("index", "move", "--to", "qdrant", "-w", tmp_path / "empty").code == 2


def test_a_new_index_that_is_not_like_the_old_is_not_used(
    kb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("qdrant_client", reason="the extra `qdrant` is not installed")
    from groundtone.errors import GroundtoneError
    from groundtone.index.qdrant import QdrantIndex

    monkeypatch.setattr(QdrantIndex, "dense", lambda *_, **__: [])
    with (
        Workspace.open(kb) as workspace,
        pytest.raises(GroundtoneError, match="not like the present one"),
    ):
        stores.move(workspace, stores.parse("qdrant"))
    assert (kb / "groundtone.toml").read_text() == TOML


RECORDS = {
    "a-1": ("Reset the password under Settings > Account.", {"source": "account.md", "page": 2}),
    "a-0": ("An account has one owner.", {"source": "account.md", "page": 1}),
    "b-0": ("ERR-1042 says that the export is too large.", {"source": "errors.md", "page": 1}),
}


def doc_db(
    folder: Path, embed: Any, said: dict[str, dict[str, str]] | None = None, **changed: str
) -> Any:
    """A collection as an application of its own makes it; the same for the same arguments.

    Args:
        said: further metadata of records, by their ids.
    """
    chromadb = pytest.importorskip("chromadb", reason="the extra `chroma` is not installed")
    quiet = chromadb.config.Settings(anonymized_telemetry=False)
    client = chromadb.PersistentClient(path=str(folder), settings=quiet)
    theirs = client.get_or_create_collection("support-docs")
    texts = {id: changed.get(id.replace("-", "_"), text) for id, (text, _) in RECORDS.items()}
    theirs.upsert(
        ids=list(texts),
        documents=list(texts.values()),
        metadatas=[metadata | (said or {}).get(id, {}) for id, (_, metadata) in RECORDS.items()],
        embeddings=embed(list(texts.values())).tolist(),
    )
    return theirs


def test_a_collection_of_somebody_else_is_adopted(
    call: Any, kb: Path, minilm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = doc_db(kb / "doc_db", lambda texts: 3 * minilm.embed(texts))
    before = theirs.get(include=["documents", "metadatas", "embeddings"])
    monkeypatch.chdir(kb)
    adopt = ("index", "adopt", "--path", "./doc_db", "--collection", "support-docs")
    told = call(*adopt, "--json")
    assert told.code == 0, told.err
    assert (told.json["records"], told.json["documents"], told.json["unchanged"]) == (3, 2, 0)
    assert told.json["grouped_by"] == "source" and told.json["cosine"] > 0.99
    assert told.json["source"] == "chroma://doc_db#support-docs"
    with Workspace.open(kb) as workspace:
        first = workspace.search("How do I reset my password?")[0]
        assert (first.document, first.page) == ("account.md", 2)
        assert first.dense == pytest.approx(
            float((minilm.embed([RECORDS["a-1"][0]]) @ minilm.embed([
                "How do I reset my password?"]).T).item()), abs=0.02
        )  # fmt: skip
        assert workspace.catalog.text(first.version, first.start, first.end) == RECORDS["a-1"][0]
        assert workspace.search("ERR-1042")[0].document == "errors.md"
        assert workspace.sync().deleted == 0
        assert workspace.search("ERR-1042")[0].document == "errors.md", "a sync leaves it"
    again = call(*adopt, "--json").json
    assert (again["unchanged"], again["deleted"]) == (2, 0)
    after = theirs.get(include=["documents", "metadatas", "embeddings"])
    assert (after["ids"], after["metadatas"]) == (before["ids"], before["metadatas"])
    doc_db(kb / "doc_db", minilm.embed, b_0="ERR-7 is new.")
    assert call(*adopt, "--json").json["unchanged"] == 0  # the vectors of both have changed
    assert found(kb, "ERR-7") == "errors.md"
    rebuilt = call("sync", "--rebuild", "--json")
    assert rebuilt.code == 0 and found(kb, "ERR-7") == "errors.md"
    assert call("forget", told.json["source"]).code == 0
    assert found(kb, "reset password").startswith("page-")


def test_vectors_of_another_model_are_not_taken_for_ours(call: Any, kb: Path, minilm: Any) -> None:
    import numpy as np

    def other(texts: list[str]) -> Any:
        return np.roll(minilm.embed(texts), 1, axis=1)

    doc_db(kb / "doc_db", other)
    adopt = ("index", "adopt", "--path", kb / "doc_db", "--collection", "support-docs", "-w", kb)
    refused = call(*adopt)
    assert refused.code == 3 and "--embed" in refused.err and "cosine" in refused.err
    told = call(*adopt, "--embed", "--json")
    assert told.code == 0 and told.json["embedded"] and told.json["cosine"] is None
    assert found(kb, "resetting a password") == "account.md"


def test_what_is_adopted_is_shown_to_those_who_may_see_it(call: Any, kb: Path, minilm: Any) -> None:
    def seen(group: str) -> set[str]:
        with Workspace.open(kb) as workspace:
            limits = workspace.limits(["source=chroma://doc_db#support-docs"], groups=[group])
            return {p.document for p in workspace.search("account export", k=9, limits=limits)}

    def adopted(**said: dict[str, str]) -> None:
        named = {id.replace("_", "-"): metadata for id, metadata in said.items()}
        doc_db(kb / "doc_db", minilm.embed, named)
        adopt = ("index", "adopt", "--path", kb / "doc_db", "--collection", "support-docs")
        assert call(*adopt, "-w", kb).code == 0

    adopted(a_0={"groups": "hr"}, a_1={"groups": "hr"})
    assert (seen("hr"), seen("sales")) == ({"account.md", "errors.md"}, {"errors.md"})
    adopted(a_0={"groups": "hr"}, a_1={"groups": "sales"})
    assert seen("hr") == seen("sales") == {"errors.md"}, "one document, and they do not agree"
    adopted(a_0={"groups": "sales"}, a_1={"groups": "sales"})
    assert seen("sales") == {"account.md", "errors.md"}, "who may see it is a change, too"

    rule = '[[attributes]]\npath = "{}.md"\ngroups = ["legal"]\n'
    with (kb / "groundtone.toml").open("a") as settings:
        settings.write(rule.format("errors"))
    assert call("sync", "-w", kb).code == 0, "rules are followed by a sync, as for files"
    assert (seen("legal"), seen("sales")) == ({"errors.md"}, {"account.md"})
    with (kb / "groundtone.toml").open("a") as settings:
        settings.write(rule.format("account"))
    adopted(a_0={"groups": "sales"}, a_1={"groups": "sales"})
    assert (seen("legal"), seen("sales")) == ({"account.md", "errors.md"}, set())


def test_adopting_says_what_is_wrong(call: Any, kb: Path, minilm: Any) -> None:
    doc_db(kb / "doc_db", minilm.embed)
    for arguments, said in [
        (("--collection", "x"), "--path"),
        (("--path", kb / "nowhere", "--collection", "x"), "no Chroma database"),
        (("--path", kb / "doc_db", "--collection", "x"), "support-docs"),
    ]:
        result = call("index", "adopt", *arguments, "-w", kb)
        assert result.code == 2 and said in result.err, result.err
    (kb / "groundtone.toml").write_text(
        '[index]\nstore = "chroma"\nurl = "./doc_db"\ncollection = "support-docs"\n'
    )
    (kb / "docs" / "new.md").write_text("new")
    result = call("sync", "-w", kb)
    assert result.code == 3 and "index adopt" in result.err, "never mixed with their records"


def test_the_folder_of_a_chroma_database_is_a_store(call: Any, kb: Path) -> None:
    pytest.importorskip("chromadb", reason="the extra `chroma` is not installed")
    to = ("--to", "chroma:./doc_db", "--collection", "support-docs")
    assert call("index", "move", *to, "-w", kb).code == 0
    assert json.loads(call("index", "show", "-w", kb, "--json").out)["place"] == "./doc_db"
    assert (kb / "doc_db" / "chroma.sqlite3").exists()
    assert found(kb, "the red panel") == "page-2.md"
