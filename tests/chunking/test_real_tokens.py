"""The same promises with the tokenizer that embeds: it cuts words into pieces and drops marks."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.chunking.test_passages import check, documents

from groundtone.chunking import chunk
from groundtone.documents import Document, read
from groundtone.documents.composing import Composer
from groundtone.embedding import Embedder
from groundtone.settings import Chunking

MANUAL = Path(__file__).parents[2] / "examples" / "manual"
SMALL = {"min_tokens": 24, "max_tokens": 64, "window_tokens": 32}
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.mark.parametrize("name", sorted(path.name for path in MANUAL.iterdir()))
def test_the_manual_is_cut_as_promised(minilm: Embedder, name: str) -> None:
    document = read(MANUAL / name)
    for sizes in (Chunking().model_dump(), SMALL):
        check(document, chunk(document, minilm.encode, **sizes), sizes, minilm.encode)


@settings(max_examples=40, deadline=None, suppress_health_check=QUIET)
@given(document=documents())
def test_words_in_pieces(minilm: Embedder, document: Document) -> None:
    check(document, chunk(document, minilm.encode, **SMALL), SMALL, minilm.encode)


@settings(max_examples=60, deadline=None, suppress_health_check=QUIET)
@given(texts=st.lists(st.text(min_size=1, max_size=400), max_size=4))
def test_any_characters(minilm: Embedder, texts: list[str]) -> None:
    composer = Composer()
    for text in texts:
        composer.add("table", text, header_lines=1)
    document = composer.document("Any \u0130 title", "text/plain")
    check(document, chunk(document, minilm.encode, **SMALL), SMALL, minilm.encode)
