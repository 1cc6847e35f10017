"""Cross-encoders that check statements: which of their numbers counts, in both formats."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.reranking.small_cross_encoder import onnx_model, save_tokenizer, torch_model

from groundtone.errors import EngineError, WrongUse
from groundtone.reranking import Entailer, open_entailer
from groundtone.reranking.entailment import Entailment, place

LABELS = ("contradiction", "entailment", "neutral")
PAIRS = [
    ("the blue key opens the garden door", "the key opens the door"),
    ("water the plants on monday", "a question"),
    ("", ""),
    ("plants on monday " * 400, "water \ud800"),
]


@pytest.fixture(scope="module", params=["onnx", "torch"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp(request.param)
    save_tokenizer(made)
    if request.param == "onnx":
        onnx_model(made / "model.onnx", outputs=3)
        name(made, *LABELS)
    else:
        torch_model(made, labels=LABELS)
    return made


@pytest.fixture(scope="module")
def entailer(folder: Path) -> Entailer:
    return open_entailer(folder, threads=1)


def name(folder: Path, *labels: str) -> None:
    """Write which number means what."""
    told = {"id2label": {str(n): label for n, label in enumerate(labels)}}
    (folder / "config.json").write_text(json.dumps(told), "utf-8")


def test_probabilities_in_the_order_of_the_pairs(entailer: Entailer) -> None:
    chances = entailer.entailed(PAIRS)
    assert len(chances) == len(PAIRS) and all(0 <= chance <= 1 for chance in chances)
    assert entailer.entailed(PAIRS[::-1])[::-1] == pytest.approx(chances, abs=1e-5)
    assert len({round(chance, 6) for chance in chances}) > 1
    assert entailer.entailed([]) == []


def test_the_name_decides_which_number_counts(tmp_path: Path) -> None:
    save_tokenizer(tmp_path)
    onnx_model(tmp_path / "model.onnx", outputs=3)
    found = []
    for labels in (
        ("entailment", "neutral", "contradiction"),
        ("neutral", "ENTAILMENT", "contradiction"),
        ("neutral", "contradiction", "Entailment"),
    ):
        name(tmp_path, *labels)
        found.append(open_entailer(tmp_path, threads=1).entailed(PAIRS[:1])[0])
    assert sum(found) == pytest.approx(1, abs=1e-6)
    assert len(set(found)) == 3


class Logits:
    def __init__(self, *rows: list[float]) -> None:
        self.rows = np.array(rows)

    def logits(self, pairs: object) -> np.ndarray:
        return self.rows


def test_softmax_of_several_and_the_logistic_function_of_one() -> None:
    pair = [("a", "b")]
    assert Entailment(Logits([0.0]), ["consistent"]).entailed(pair) == [0.5]
    assert Entailment(Logits([900.0]), ["LABEL_0"]).entailed(pair) == [pytest.approx(1)]
    two = Entailment(Logits([1.0, 0.0]), ["not_entailment", "entailment"])
    assert two.entailed(pair)[0] == pytest.approx(1 / (1 + np.e))
    with pytest.raises(EngineError, match="3 values"):
        Entailment(Logits([1.0, 2.0, 3.0]), ["not_entailment", "entailment"]).entailed(pair)
    with pytest.raises(EngineError, match="no numbers"):
        Entailment(Logits([np.nan]), ["consistent"]).entailed(pair)


@pytest.mark.parametrize(
    "labels",
    [
        ["LABEL_0", "LABEL_1", "LABEL_2"],
        ["not_entailment", "contradiction"],
        ["entailment", "entailed"],
        ["hallucinated"],
    ],
)
def test_labels_that_do_not_say_it_are_refused(labels: list[str], tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="id2label"):
        place(labels)
    (tmp_path / "model.onnx").write_bytes(b"never opened")
    name(tmp_path, *labels)
    with pytest.raises(WrongUse, match=labels[0]):
        open_entailer(tmp_path)


@pytest.mark.parametrize(
    "config", ["", "[]", "{}", '{"id2label": []}', '{"id2label": {"1": "entailment"}}']
)
def test_a_config_without_labels_is_named(config: str, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"never opened")
    with pytest.raises(WrongUse, match=r"config\.json"):
        open_entailer(tmp_path)
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(WrongUse, match=r"config\.json"):
        open_entailer(tmp_path)


def test_a_folder_without_a_model_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match=r"\[answer\] checker"):
        open_entailer(tmp_path)
