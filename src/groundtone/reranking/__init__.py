"""A question and passages, read together by a cross-encoder that the user names.

One contract, ``Reranker``; one engine a module. The default install carries no cross-encoder.
"""

from __future__ import annotations

from pathlib import Path

from groundtone.errors import WrongUse
from groundtone.reranking.contract import Reranker

__all__ = ["Reranker", "open_reranker"]


def open_reranker(folder: str | Path, *, threads: int | None = None) -> Reranker:
    """Open a cross-encoder.

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
    folder = Path(folder).expanduser()
    for name in ("model.onnx", "onnx/model.onnx"):
        if (folder / name).is_file():
            from groundtone.reranking.onnxruntime_engine import OnnxRuntimeReranker

            return OnnxRuntimeReranker(folder / name, _tokenizer(folder), threads=threads)
    if (folder / "config.json").is_file():
        from groundtone.reranking.torch_engine import TorchReranker

        return TorchReranker(folder, _tokenizer(folder), threads=threads)
    raise WrongUse(
        f"{folder} holds no cross-encoder: neither model.onnx nor config.json is there.",
        "Name the folder of a downloaded model under [retrieval] reranker.",
    )


def _tokenizer(folder: Path) -> Path:
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise WrongUse(
            f"{folder} holds no tokenizer.json.",
            "Download the whole model; older ones are saved anew by Transformers with it.",
        )
    return path
