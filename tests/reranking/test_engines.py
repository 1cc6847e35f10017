from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.reranking.small_cross_encoder import onnx_model, save_tokenizer, torch_model

from groundtone.errors import EngineError, WrongUse
from groundtone.reranking import Reranker, open_reranker
from groundtone.reranking.ranking import probabilities

TEXTS = ["the blue key opens the garden door", "water", "", "plants on monday " * 400]


@pytest.fixture(scope="module", params=["onnx", "torch"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp(request.param)
    save_tokenizer(made)
    if request.param == "onnx":
        onnx_model(made / "onnx" / "model.onnx")
    else:
        torch_model(made)
    return made


@pytest.fixture(scope="module")
def reranker(folder: Path) -> Reranker:
    return open_reranker(folder, threads=1)


def test_scores_are_probabilities_in_the_order_of_the_texts(reranker: Reranker) -> None:
    scores = reranker.score("Which key opens the door?", TEXTS)
    assert len(scores) == len(TEXTS) and all(0 <= score <= 1 for score in scores)
    backwards = reranker.score("Which key opens the door?", TEXTS[::-1])
    assert backwards[::-1] == pytest.approx(scores, abs=1e-5)
    alone = [reranker.score("Which key opens the door?", [text])[0] for text in TEXTS]
    assert alone == pytest.approx(scores, abs=1e-5)
    assert reranker.score("anything", []) == []


def test_the_question_counts(reranker: Reranker) -> None:
    one = reranker.score("water the plants", TEXTS)
    other = reranker.score("garden door key", TEXTS)
    assert one != pytest.approx(other, abs=1e-9)


@pytest.mark.parametrize("question", ["", "\ud800", "\x00", "word " * 20_000])
def test_odd_questions_are_no_errors(reranker: Reranker, question: str) -> None:
    scores = reranker.score(question, ["water", "key \ud800"])
    assert np.isfinite(scores).all()


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="cross-encoder"):
        open_reranker(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(WrongUse, match=r"tokenizer\.json"):
        open_reranker(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(EngineError):
        open_reranker(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"nonsense")
    save_tokenizer(tmp_path)
    with pytest.raises(EngineError, match=r"model\.onnx"):
        open_reranker(tmp_path)


def test_a_model_of_many_classes_is_refused() -> None:
    assert probabilities(np.zeros((2, 1))) == [0.5, 0.5]
    assert probabilities(np.array([[0.0, 100.0]])) == [pytest.approx(1)]
    with pytest.raises(EngineError, match="shape"):
        probabilities(np.zeros((2, 5)))
    with pytest.raises(EngineError):
        probabilities(np.array([[np.nan]]))


def test_the_tokenizer_is_a_plain_file(folder: Path) -> None:
    assert json.loads((folder / "tokenizer.json").read_text("utf-8"))["model"]
