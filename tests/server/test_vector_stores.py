"""Collections as vector stores, through the official client."""

from __future__ import annotations

import io
from collections.abc import Iterator

import openai
import pytest
from openai import OpenAI
from openai.types import VectorStore, VectorStoreSearchResponse
from openai.types.vector_stores import VectorStoreFile, VectorStoreFileBatch
from tests.server.serving import Served
from tests.server.shape import check
from tests.server.stubbed import until

TEXTS = {
    "rota.md": "# Rota\n\nMarten works the night shift on Fridays in the harbour office.",
    "tariff.md": "# Tariff\n\nA berth in the harbour costs 40 euros for a night.",
}


@pytest.fixture(scope="module")
def client(server: Served) -> OpenAI:
    return server.client()


@pytest.fixture(scope="module")
def store(client: OpenAI) -> Iterator[VectorStore]:
    made = client.vector_stores.create(name="Harbour", metadata={"team": "port"})
    uploaded = [
        client.files.create(file=(name, io.BytesIO(text.encode())), purpose="assistants")
        for name, text in TEXTS.items()
    ]
    client.vector_stores.files.create(
        made.id, file_id=uploaded[0].id, attributes={"year": 2021, "kind": "Rota"}
    )
    batch = client.vector_stores.file_batches.create(
        made.id, file_ids=[uploaded[1].id], attributes={"year": 2024, "kind": "tariff"}
    )
    check(VectorStoreFileBatch, batch.model_dump())

    def done() -> bool:
        counts = client.vector_stores.retrieve(made.id).file_counts
        return counts.completed == counts.total == 2

    until(done, 180)
    yield made
    client.vector_stores.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.retrieve(made.id)


def test_a_store_is_a_collection(client: OpenAI, store: VectorStore, server: Served) -> None:
    told = client.vector_stores.retrieve(store.id)
    check(VectorStore, told.model_dump())
    assert (told.name, told.metadata, told.status) == ("Harbour", {"team": "port"}, "completed")
    assert told.usage_bytes > 50
    assert store.id in [one.id for one in client.vector_stores.list()]
    assert "docs:harbour" in [model.id for model in client.models.list()]
    changed = client.vector_stores.update(store.id, name="Port", metadata={"team": "quay"})
    assert (changed.name, changed.metadata) == ("Port", {"team": "quay"})
    with pytest.raises(openai.BadRequestError) as refused:
        client.vector_stores.create(expires_after={"anchor": "last_active_at", "days": 1})
    assert refused.value.param == "expires_after"


def test_files_have_a_state_and_a_text(client: OpenAI, store: VectorStore) -> None:
    files = list(client.vector_stores.files.list(store.id, limit=1))
    assert len(files) == 2, "pages are followed"
    for file in files:
        check(VectorStoreFile, file.model_dump())
        assert file.status == "completed" and file.last_error is None
    texts = [
        content.text
        for file in files
        for content in client.vector_stores.files.content(file.id, vector_store_id=store.id)
    ]
    assert any("Marten" in (text or "") for text in texts)
    assert not list(client.vector_stores.files.list(store.id, filter="failed"))
    batch = client.get(f"/vector_stores/{store.id}/files", cast_to=object)
    assert {"object", "data", "first_id", "last_id", "has_more"} == set(batch)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (None, {"rota.md", "tariff.md"}),
        ({"type": "eq", "key": "kind", "value": "rota"}, {"rota.md"}),
        ({"type": "ne", "key": "kind", "value": "rota"}, {"tariff.md"}),
        ({"type": "gte", "key": "year", "value": 2022}, {"tariff.md"}),
        ({"type": "in", "key": "year", "value": [2021, 2024]}, {"rota.md", "tariff.md"}),
        (
            {
                "type": "and",
                "filters": [
                    {"type": "lt", "key": "year", "value": 2024},
                    {"type": "eq", "key": "kind", "value": "tariff"},
                ],
            },
            set(),
        ),
    ],
)
def test_a_search_is_limited_by_attributes(
    client: OpenAI, store: VectorStore, filters: dict, found: set[str]
) -> None:
    options = {"filters": filters} if filters else {}
    page = client.vector_stores.search(store.id, query="harbour night", **options)  # type: ignore[arg-type]
    for result in page.data:
        check(VectorStoreSearchResponse, result.model_dump())
        assert 0 <= result.score <= 1
    assert {result.filename for result in page.data} == found


def test_a_search_takes_ranking_options_and_names_faults(
    client: OpenAI, store: VectorStore
) -> None:
    queries = ["berth costs", "night shift"]
    page = client.vector_stores.search(store.id, query=queries, max_num_results=1)
    assert len(page.data) == 1
    high = {"score_threshold": 1.0}
    assert all(
        result.score == 1.0
        for result in client.vector_stores.search(store.id, query="x", ranking_options=high).data  # type: ignore[arg-type]
    )
    with pytest.raises(openai.BadRequestError) as fault:
        client.vector_stores.search(store.id, query="x", filters={"type": "like"})  # type: ignore[arg-type]
    assert fault.value.param == "filters.type"


def test_attributes_change_and_a_file_is_taken_out(client: OpenAI, store: VectorStore) -> None:
    file = client.files.create(file=("gone.md", b"# Gulls\n\nGulls are fed."), purpose="assistants")
    added = client.vector_stores.files.create_and_poll(
        file.id, vector_store_id=store.id, poll_interval_ms=200
    )
    assert added.status == "completed"
    changed = client.vector_stores.files.update(
        file.id, vector_store_id=store.id, attributes={"kind": "bird"}
    )
    assert changed.attributes == {"kind": "bird"}
    bird = {"type": "eq", "key": "kind", "value": "bird"}
    found = client.vector_stores.search(store.id, query="gulls", filters=bird)  # type: ignore[arg-type]
    assert [result.file_id for result in found.data] == [file.id]
    assert client.vector_stores.files.delete(file.id, vector_store_id=store.id).deleted

    def gone() -> bool:
        page = client.vector_stores.search(store.id, query="gulls")
        return file.id not in [result.file_id for result in page.data]

    until(gone, 120)
    assert client.files.retrieve(file.id).filename == "gone.md", "the upload stays"


def test_what_cannot_be_read_says_why(client: OpenAI, store: VectorStore) -> None:
    file = client.files.create(file=("odd.zzz", b"\x00\x01\x02\x00" * 50), purpose="assistants")
    batch = client.vector_stores.file_batches.create_and_poll(
        store.id, file_ids=[file.id], poll_interval_ms=200
    )
    assert batch.status == "failed" and batch.file_counts.failed == 1
    told = client.vector_stores.files.retrieve(file.id, vector_store_id=store.id)
    assert told.last_error and told.last_error.message
    client.vector_stores.files.delete(file.id, vector_store_id=store.id)
