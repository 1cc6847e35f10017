"""The base model for training, dequantised from the very file that is served.

An adapter so meets in serving the weights it was trained against. transformers can read GGUF as
well and gives the same weights bit for bit (tested), but takes four times as long and brings its
own tokenizer, which is not the model's (see `groundtone.chat.vocabulary`).
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from groundtone.chat.metadata import metadata, tensor_entries
from groundtone.chat.vocabulary import vocabulary
from groundtone.errors import MissingExtra, WrongUse
from groundtone.tuning.architectures import ARCHITECTURES, FACTORS, FAMILIES, settings

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def check_architecture(base_gguf: Path | str) -> dict[str, Any]:
    """Return the base's metadata if its adapters can be trained and exported.

    Raises:
        WrongUse: the architecture is not one of `ARCHITECTURES`.
        EngineError: the file cannot be read.
    """
    head = metadata(base_gguf)
    architecture = head.get("general.architecture")
    if architecture not in ARCHITECTURES:
        raise WrongUse(
            f"{Path(base_gguf).name} has the architecture {architecture!r}; adapters are trained "
            f"and exported only for {', '.join(ARCHITECTURES)}.",
            "Choose another base model.",
        )
    return head


def load_base(base_gguf: Path | str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Load the served GGUF as a trainable model in float32, and the tokenizer that serves it.

    Offline. The model is in evaluation mode; SmolLM2-135M takes 0.55 GB.

    Raises:
        MissingExtra: torch or transformers is not installed.
        WrongUse: the architecture is not one of `ARCHITECTURES`, the file holds matrices that
            such a model does not have, or lacks some that it has.
        EngineError: the file cannot be read, or its tokenizer is not known here.
    """
    return load_model(base_gguf), load_tokenizer(base_gguf)


def load_model(base_gguf: Path | str) -> PreTrainedModel:
    """The model of `load_base` alone, which any tokenizer may belong to."""
    path = Path(base_gguf)
    head = check_architecture(path)
    try:
        import torch
        import transformers
        from transformers.utils import logging
    except ImportError as error:
        raise MissingExtra("Tuning", "tune") from error
    family = FAMILIES[head["general.architecture"]]
    state = {
        name: torch.from_numpy(np.ascontiguousarray(matrix))
        for name, matrix in matrices(path).items()
    }
    factors = state.pop(FACTORS, None)
    tied = "lm_head.weight" not in state
    vocabulary_size = state["model.embed_tokens.weight"].shape[0]
    config = getattr(transformers, family.config)(**settings(head, vocabulary_size, tied=tied))
    bar = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        model: PreTrainedModel = getattr(transformers, family.model).from_pretrained(
            None,
            config=config,
            state_dict=state,
            dtype=torch.float32,
            attn_implementation=family.attention,
        )
    finally:
        if bar:
            logging.enable_progress_bar()
    missing = set(model.state_dict()) - set(state) - ({"lm_head.weight"} if tied else set())
    if missing:
        raise WrongUse(f"{path.name} lacks {sorted(missing)[0]}, so it cannot be tuned here.")
    if factors is not None:
        rope = model.model.rotary_emb
        rope.inv_freq = rope.original_inv_freq = rope.inv_freq / factors
    # A folder of this machine, so that peft does not look for a model of that name on the network.
    model.config._name_or_path = model.name_or_path = str(path.parent)
    model.eval()
    return model


def load_tokenizer(base_gguf: Path | str) -> PreTrainedTokenizerFast:
    """Return the engine's tokenizer and chat template in transformers' shape."""
    try:
        from transformers import PreTrainedTokenizerFast
    except ImportError as error:
        raise MissingExtra("Tuning", "tune") from error
    words = vocabulary(Path(base_gguf))
    return PreTrainedTokenizerFast(
        tokenizer_object=words.tokenizer,
        bos_token=words.bos or None,
        eos_token=words.eos or None,
        pad_token=words.eos or None,
        chat_template=words.template or None,
    )


def permute_for_rope(rows: np.ndarray, heads: int) -> np.ndarray:
    """Reorder output rows from transformers' rotary layout (halves) to GGUF llama's (pairs).

    The base's q and k weights were reordered so when they became GGUF; an adapter that is not
    answers worse without any error.
    """
    half = rows.shape[0] // heads // 2
    return rows.reshape(heads, 2, half, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def unpermute_from_rope(rows: np.ndarray, heads: int) -> np.ndarray:
    """Undo `permute_for_rope`."""
    half = rows.shape[0] // heads // 2
    return rows.reshape(heads, half, 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def matrices(path: Path, wanted: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """Matrices and vectors of a base by transformers' names, in float32 and its layout.

    Args:
        wanted: only these names; default: all.

    Raises:
        WrongUse: the file holds something that such a model does not have.
        EngineError: the file cannot be read.
    """
    import gguf

    head = metadata(path)
    architecture = head["general.architecture"]
    family = FAMILIES[architecture]
    heads = int(head[f"{architecture}.attention.head_count"])
    kv_heads = int(head.get(f"{architecture}.attention.head_count_kv", heads))
    data = np.memmap(path, mode="r", dtype=np.uint8)
    found = {}
    for entry in tensor_entries(path):
        name = FACTORS if entry.name == FACTORS else family.name(entry.name)
        if name is None:
            raise WrongUse(f"{path.name} holds {entry.name}, so it cannot be tuned here.")
        if wanted is not None and name not in wanted:
            continue
        kind = gguf.GGMLQuantizationType(entry.kind)
        block, size = gguf.GGML_QUANT_SIZES[kind]
        count = int(np.prod(entry.shape)) // block * size
        raw = data[entry.offset : entry.offset + count]
        if len(raw) != count:
            raise WrongUse(f"{path.name} ends before the end of {entry.name}.", "Fetch it again.")
        if kind in (gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16):
            raw = raw.view(np.float32 if kind == gguf.GGMLQuantizationType.F32 else np.float16)
            matrix = raw.astype(np.float32).reshape(entry.shape)
        else:
            rows = raw.reshape(*entry.shape[:-1], -1)
            matrix = gguf.quants.dequantize(rows, kind).astype(np.float32, copy=False)
        if family.paired and name.endswith(_ROTATED):
            matrix = unpermute_from_rope(matrix, heads if "q_proj" in name else kv_heads)
        if family.norm_offset and name.endswith("norm.weight"):
            matrix = matrix - np.float32(family.norm_offset)
        found[name] = matrix
    return found


_ROTATED = ("q_proj.weight", "k_proj.weight", "q_proj.bias", "k_proj.bias")
