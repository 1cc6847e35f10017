"""What every embedding engine must do: inherit `EmbedderContract` and provide `embedder`."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundtone.embedding import Embedder

TEXTS = [
    "Press the red button to stop the pump.",
    "stop",
    "",
    "The pump stops when the red button is pressed.",
    "Invoices are sent on the first working day of each month, by post or by mail. " * 8,
]


def cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return (left * right).sum(-1)


class EmbedderContract:
    """Inherit and override the fixture `embedder`."""

    @pytest.fixture
    def embedder(self) -> Embedder:
        raise NotImplementedError

    def test_it_is_an_embedder(self, embedder: Embedder) -> None:
        assert isinstance(embedder, Embedder)
        assert "@" in embedder.fingerprint

    def test_one_vector_a_text_of_length_one(self, embedder: Embedder) -> None:
        vectors = embedder.embed(TEXTS)
        assert vectors.shape == (len(TEXTS), embedder.dimensions)
        assert vectors.dtype == np.float32
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)

    def test_encode_goes_to_another_process_without_weights(self, embedder: Embedder) -> None:
        pickled = pickle.dumps(embedder.encode)
        assert len(pickled) < 100_000
        for text in TEXTS:
            assert pickle.loads(pickled)(text) == embedder.encode(text)

    def test_no_text_no_vector(self, embedder: Embedder) -> None:
        assert embedder.embed([]).shape == (0, embedder.dimensions)
        assert embedder.embed([]).dtype == np.float32

    def test_a_text_has_one_vector_whatever_it_is_embedded_beside(self, embedder: Embedder) -> None:
        together = embedder.embed(TEXTS)
        backwards = embedder.embed(TEXTS[::-1])[::-1]
        alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
        assert np.allclose(together, alone, atol=1e-5)
        assert np.allclose(together, backwards, atol=1e-5)

    def test_same_meaning_is_nearer_than_another(self, embedder: Embedder) -> None:
        button, _, _, same, invoice = embedder.embed(TEXTS)
        assert button @ same > 0.8 > button @ invoice

    def test_what_is_over_the_limit_is_cut(self, embedder: Embedder) -> None:
        kept = " ".join(["pump"] * (embedder.max_tokens - 2))
        short, long = embedder.embed([kept, kept + " an entirely different ending" * 50])
        assert short @ long == pytest.approx(1, abs=1e-5)

    def test_offsets_cover_the_words_and_no_special_tokens(self, embedder: Embedder) -> None:
        text = "Ärger with the café, naïvely?"
        spans = embedder.encode(text)
        pieces = [text[start:end] for start, end in spans]
        assert "".join(pieces) == text.replace(" ", "")
        assert embedder.encode("") == []

    def test_offsets_are_never_cut(self, embedder: Embedder) -> None:
        text = "pump " * (3 * embedder.max_tokens)
        assert len(embedder.encode(text)) == 3 * embedder.max_tokens

    def test_threads_may_share_it(self, embedder: Embedder) -> None:
        expected = embedder.embed(TEXTS)
        with ThreadPoolExecutor(4) as pool:
            for found in pool.map(embedder.embed, [TEXTS] * 8):
                assert np.allclose(found, expected, atol=1e-5)

    @settings(
        max_examples=40,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,
        ],
    )
    @given(text=st.text(max_size=60))
    def test_any_text_is_safe(self, embedder: Embedder, text: str) -> None:
        spans = embedder.encode(text)
        assert all(0 <= start <= end <= len(text) for start, end in spans)
        assert spans == sorted(spans)
        vector = embedder.embed([text])
        assert np.isfinite(vector).all()
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
