from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.contracts.embedder import TEXTS, EmbedderContract, cosines

from groundtone import weights
from groundtone.embedding import Embedder, open_embedder
from groundtone.embedding.bert import forward, read_safetensors, read_shape
from groundtone.embedding.tokens import Tokenizer
from groundtone.errors import MissingModel, WrongUse

NAME = "all-minilm-l6-v2"


@cache
def opened(precision: str) -> Embedder:
    try:
        return open_embedder(NAME, threads=2, precision=precision)
    except MissingModel as error:
        pytest.skip(str(error))


@cache
def right_vectors() -> np.ndarray:
    folder = weights.path(NAME)
    tokenizer = Tokenizer(folder / "tokenizer.json", 256)
    tensors = read_safetensors(folder / "model.safetensors")
    return forward(tensors, read_shape(folder / "config.json"), tokenizer.batch(TEXTS))


class TestInt8(EmbedderContract):
    @pytest.fixture
    def embedder(self) -> Embedder:
        return opened("int8")

    def test_it_is_nearly_full_precision(self, embedder: Embedder) -> None:
        assert cosines(embedder.embed(TEXTS), right_vectors()).min() > 0.99


class TestFloat32(EmbedderContract):
    @pytest.fixture
    def embedder(self) -> Embedder:
        return opened("float32")

    def test_it_is_full_precision(self, embedder: Embedder) -> None:
        assert cosines(embedder.embed(TEXTS), right_vectors()).min() > 0.99999


def test_both_precisions_are_one_model() -> None:
    assert opened("int8").fingerprint == opened("float32").fingerprint


def test_wrong_names_are_told() -> None:
    with pytest.raises(WrongUse, match="int7"):
        open_embedder(NAME, precision="int7")
    with pytest.raises(WrongUse, match="not an embedding model"):
        open_embedder("smollm2-135m-instruct")
    with pytest.raises(WrongUse, match="Did you mean all-minilm-l6-v2"):
        open_embedder("all-minilm-l6")


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with the weights only, no graph built yet."""
    opened("int8")
    source = weights.path(NAME)
    monkeypatch.setenv("GROUNDTONE_CACHE", str(tmp_path))
    target = tmp_path / "models" / NAME
    target.mkdir(parents=True)
    for name in ("model.safetensors", "tokenizer.json", "config.json", "manifest.json"):
        shutil.copy2(source / name, target / name)
    return target


def graphs(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.onnx"))


def test_the_graph_is_built_once_and_a_damaged_one_again(own_cache: Path) -> None:
    (own_cache / "minilm-int8-v1.onnx").write_bytes(b"of an earlier version")
    first = open_embedder(NAME).embed(TEXTS)
    (graph,) = graphs(own_cache)
    built = graph.stat().st_mtime_ns
    open_embedder(NAME)
    assert graph.stat().st_mtime_ns == built

    graph.write_bytes(graph.read_bytes()[:1000])
    assert np.array_equal(open_embedder(NAME).embed(TEXTS), first)
    assert graph.stat().st_size > 1000
    assert not list(own_cache.glob(".*"))


@pytest.mark.slow
def test_a_graph_with_wrong_answers_is_not_used(own_cache: Path) -> None:
    first = open_embedder(NAME).embed(TEXTS)
    (graph,) = graphs(own_cache)
    content = bytearray(graph.read_bytes())
    # Weights overwritten, structure intact: it loads, and answers nonsense.
    third = len(content) // 3
    content[third : 2 * third] = bytes(third)
    graph.write_bytes(content)
    assert np.array_equal(open_embedder(NAME).embed(TEXTS), first)


@pytest.mark.slow
def test_where_eight_bits_fail_full_precision_steps_in(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from groundtone.embedding import onnxruntime_engine

    monkeypatch.setitem(onnxruntime_engine._FLOORS, "int8", 1.1)
    embedder = onnxruntime_engine.OnnxRuntimeEmbedder(NAME)
    assert embedder.precision == "float32"
    assert cosines(embedder.embed(TEXTS), right_vectors()).min() > 0.99999

    built: list[str] = []
    build = onnxruntime_engine.OnnxRuntimeEmbedder._build

    def noted(self: Any, precision: str) -> bytes:
        built.append(precision)
        return build(self, precision)

    monkeypatch.setattr(onnxruntime_engine.OnnxRuntimeEmbedder, "_build", noted)
    assert onnxruntime_engine.OnnxRuntimeEmbedder(NAME).precision == "float32"
    assert built == [], "it is known, and not found out anew at each start"
    (unfit,) = own_cache.glob("*.unfit")
    unfit.write_text("another machine")
    assert onnxruntime_engine.OnnxRuntimeEmbedder(NAME).precision == "float32"
    assert built == ["int8"]
