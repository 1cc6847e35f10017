"""A workspace on each store: synced, searched, edited, rebuilt."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.servers import chroma_server, postgres_server
from tests.small_embedder import SmallEmbedder
from tests.standins.pinecone import pinecone_standin
from tests.standins.s3 import S3, aws_keys

from groundtone import Workspace

PAGES = {
    "reset.md": "# Passwords\n\nReset a password under Settings > Account.",
    "limits.md": "# Limits\n\nERR-1042 says that the export is too large.",
    "colours.md": "# Colours\n\nThe panel can be blue or green.",
}


@pytest.fixture(
    params=["chroma", "chroma-server", "lancedb", "pgvector", "qdrant", "weaviate", "pinecone"]
)
def settings(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The section [index] of a workspace on this store."""
    if request.param == "chroma-server":
        pytest.importorskip("chromadb", reason="the extra `chroma` is not installed")
        with chroma_server(tmp_path / "server") as url:
            yield f'store = "chroma"\nurl = "{url}"\ncollection = "support-docs"'
    elif request.param == "pgvector":
        pytest.importorskip("psycopg", reason="the extra `pgvector` is not installed")
        with postgres_server() as url:
            yield f'store = "pgvector"\nurl = "{url}"\ncollection = "support-docs"'
    elif request.param == "lancedb":
        bucket = S3(page=1000)
        aws_keys(monkeypatch)
        place = 'url = "s3://manuals/kb"\ncollection = "support-docs"'
        yield f'store = "lancedb"\n{place}\n\n[s3]\nendpoint = "{bucket.endpoint}"'
        bucket.close()
    elif request.param == "weaviate":
        pytest.importorskip("weaviate", reason="the extra `weaviate` is not installed")
        from tests.standins.weaviate import weaviate_standin

        monkeypatch.setenv("WEAVIATE_API_KEY", "key")
        with weaviate_standin("key") as (url, _):
            yield f'store = "weaviate"\nurl = "{url}"\ncollection = "support-docs"'
    elif request.param == "pinecone":
        pytest.importorskip("pinecone", reason="the extra `pinecone` is not installed")
        monkeypatch.setenv("PINECONE_API_KEY", "key")
        with pinecone_standin(384, "key") as (url, _):
            yield f'store = "pinecone"\nurl = "{url}"\ncollection = "support-docs"'
    else:
        pytest.importorskip({"chroma": "chromadb", "qdrant": "qdrant_client"}[request.param])
        yield f'store = "{request.param}"'


def test_an_index_that_settings_name_anew_is_filled_though_it_was_searched_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = S3(page=1000)
    aws_keys(monkeypatch)
    monkeypatch.setenv("GROUNDTONE_S3__ENDPOINT", bucket.endpoint)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "reset.md").write_text(PAGES["reset.md"])

    def opened() -> Workspace:
        workspace = Workspace.open(tmp_path / "kb")
        workspace.__dict__["embedder"] = SmallEmbedder()
        return workspace

    Workspace.create(tmp_path / "kb").close()
    with opened() as workspace:
        assert workspace.sync(tmp_path / "docs").added == 1
        assert workspace.sync().unchanged == 1
    monkeypatch.setenv("GROUNDTONE_INDEX__URL", "s3://manuals/kb")
    with opened() as workspace:
        assert workspace.search("reset a password") == []
        assert workspace.sync().embedded == 1
        assert workspace.search("reset a password")[0].document == "reset.md"
    shutil.rmtree(tmp_path / "kb" / ".groundtone" / "index")
    with opened() as workspace:  # a machine that never had anything of the index
        bucket.listings = 0
        assert workspace.sync().unchanged == 1
        assert bucket.listings == 0, "nothing has changed: it is not even opened"
        assert workspace.search("reset a password")[0].document == "reset.md"
    bucket.close()


def test_documents_are_found_edited_and_rebuilt(settings: str, tmp_path: Path) -> None:
    source, folder = tmp_path / "docs", tmp_path / "kb"
    source.mkdir()
    folder.mkdir()
    for name, text in PAGES.items():
        (source / name).write_text(text)
    (folder / "groundtone.toml").write_text(f"[index]\n{settings}\n")
    with Workspace.open(folder) as workspace:
        assert workspace.sync(source).added == 3
        assert workspace.search("resetting my password")[0].document == "reset.md"
        assert workspace.search("ERR-1042")[0].document == "limits.md"
        (source / "limits.md").unlink()
        (source / "colours.md").write_text("# Colours\n\nThe panel is always turquoise.")
        report = workspace.sync()
        assert (report.updated, report.deleted, report.unchanged) == (1, 1, 1)
        assert workspace.search("turquoise")[0].document == "colours.md"
        assert {p.document for p in workspace.search("ERR-1042 export")} <= set(PAGES) - {
            "limits.md"
        }
        workspace.sync(rebuild=True)
        assert workspace.search("turquoise")[0].document == "colours.md"
        assert len(workspace.search("password panel")) == 2
    with Workspace.open(folder) as workspace:
        assert workspace.sync().unchanged == 2
        assert workspace.search("resetting my password")[0].document == "reset.md"
