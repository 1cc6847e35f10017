"""Cross-encoders of a few hundred weights, drawn at random, in both formats."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from groundtone.onnx_format import Graph

WORDS = [
    *("the", "blue", "red", "key", "opens", "garden", "cellar", "door", "water", "plants"),
    *("on", "monday", "which", "a", "question"),
]


def save_tokenizer(folder: Path) -> None:
    """A tokenizer of single words that writes pairs as BERT does."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    vocabulary = {word: n for n, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    tokenizer.save(str(folder / "tokenizer.json"))


def torch_model(folder: Path, labels: tuple[str, ...] = ("LABEL_0",)) -> None:
    """A BERT of one layer and one output a label, as Transformers saves it."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS) + 4,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=128,
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
    )
    model = BertForSequenceClassification(config).eval()
    with torch.no_grad():
        model.classifier.weight *= 20  # so that small differences show
    model.save_pretrained(folder)


def onnx_model(path: Path, outputs: int = 1) -> None:
    """The mean of some numbers a word (of a word after [SEP] others), in ONNX."""
    count = len(WORDS) + 4
    graph = Graph("small")
    names = ("input_ids", "attention_mask", "token_type_ids")
    ids, mask, types = (graph.input(name, "int64", ("rows", "tokens")) for name in names)
    weights = np.random.default_rng(0).normal(size=(2 * count, outputs)).astype(np.float32)
    shift = graph.node("Mul", [types, graph.constant(np.array(count, np.int64))])
    places = graph.node("Add", [ids, shift])
    values = graph.node("Gather", [graph.constant(weights), places])
    number = graph.node("Cast", [mask], attributes={"to": 1})
    wide = graph.node("Unsqueeze", [number, graph.constant(np.array([2], np.int64))])
    tokens = graph.constant(np.array([1], np.int64))
    kept = graph.node("Mul", [values, wide])
    total = graph.node("ReduceSum", [kept, tokens], attributes={"keepdims": 0})
    length = graph.node("ReduceSum", [wide, tokens], attributes={"keepdims": 0})
    graph.node("Div", [total, length], name="logits")
    graph.output("logits", "float32", ("rows", outputs))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(graph.model({"": 17}))
