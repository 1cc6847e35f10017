"""Two texts read together by a cross-encoder that the user names.

A question and a passage, to rank passages (``Reranker``); a passage and a statement, to check it
(``Entailer``). One engine a module gives the numbers, whatever they are used for. The default
install carries no cross-encoder.
"""

from __future__ import annotations

from pathlib import Path

from groundtone.errors import WrongUse
from groundtone.reranking.contract import CrossEncoder, Entailer, Reranker

__all__ = ["Entailer", "Reranker", "open_entailer", "open_reranker"]


def open_reranker(folder: str | Path, *, threads: int | None = None) -> Reranker:
    """Open a cross-encoder that ranks passages.

    Args:
        folder: holds ``tokenizer.json``, and either ``model.onnx`` (also in ``onnx/``), run by ONNX
            Runtime, or ``config.json`` and ``model.safetensors`` as Sentence Transformers and
            Transformers write them, run by torch (extra "rerank").
        threads: processor threads; None for what the engine takes.

    Raises:
        WrongUse: the folder holds no such model.
        MissingExtra: torch is needed and not installed.
        EngineError: the files are there and cannot be used.
    """
    from groundtone.reranking.ranking import Ranking

    return Ranking(_open(Path(folder).expanduser(), threads, "[retrieval] reranker"))


def open_entailer(folder: str | Path, *, threads: int | None = None) -> Entailer:
    """Open a cross-encoder that checks statements: an NLI model, or one like HHEM.

    Arguments and errors as in `open_reranker`; ``config.json`` is needed for ONNX too, since its
    ``id2label`` says which of the model's numbers means entailment.

    Raises:
        WrongUse: it does not say so.
    """
    from groundtone.reranking.entailment import Entailment, place, read_labels

    folder = Path(folder).expanduser()
    _model(folder, "[answer] checker")
    labels = read_labels(folder)
    place(labels)  # before weights are loaded
    return Entailment(_open(folder, threads, "[answer] checker"), labels)


def _open(folder: Path, threads: int | None, setting: str) -> CrossEncoder:
    model = _model(folder, setting)
    if model.suffix == ".onnx":
        from groundtone.reranking.onnxruntime_engine import OnnxRuntimeCrossEncoder

        return OnnxRuntimeCrossEncoder(model, _tokenizer(folder), threads=threads)
    from groundtone.reranking.torch_engine import TorchCrossEncoder

    return TorchCrossEncoder(folder, _tokenizer(folder), threads=threads)


def _model(folder: Path, setting: str) -> Path:
    """The file by which a model is recognised."""
    for name in ("model.onnx", "onnx/model.onnx", "config.json"):
        if (folder / name).is_file():
            return folder / name
    raise WrongUse(
        f"{folder} holds no cross-encoder: neither model.onnx nor config.json is there.",
        f"Name the folder of a downloaded model under {setting}.",
    )


def _tokenizer(folder: Path) -> Path:
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise WrongUse(
            f"{folder} holds no tokenizer.json.",
            "Download the whole model; older ones are saved anew by Transformers with it.",
        )
    return path
