"""The base model for training, dequantised from the very file that is served.

An adapter so meets in serving the weights it was trained against. transformers can read GGUF as
well and gives the same weights bit for bit (tested), but takes four times as long and brings its
own tokenizer, which is not the model's (see `groundtone.chat.vocabulary`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from groundtone.chat.metadata import metadata, tensor_entries
from groundtone.chat.vocabulary import vocabulary
from groundtone.errors import MissingExtra, WrongUse

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

ARCHITECTURES = ("llama",)
"""Architectures whose adapters can be trained and exported: those the parity tests cover."""

_OUTSIDE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
_INSIDE = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


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
        WrongUse: the architecture is not one of `ARCHITECTURES`, or the file holds matrices that
            such a model does not have.
        EngineError: the file cannot be read.
    """
    path = Path(base_gguf)
    head = check_architecture(path)
    try:
        import torch
        from transformers import LlamaConfig, LlamaForCausalLM
        from transformers.utils import logging
    except ImportError as error:
        raise MissingExtra("Tuning", "tune") from error
    state = {
        name: torch.from_numpy(np.ascontiguousarray(matrix))
        for name, matrix in _matrices(path, head).items()
    }
    config = LlamaConfig(**_config(head, state))
    bar = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        model = LlamaForCausalLM.from_pretrained(
            None, config=config, state_dict=state, dtype=torch.float32
        )
    finally:
        if bar:
            logging.enable_progress_bar()
    # A folder of this machine, so that peft does not look for a model of that name on the network.
    model.config._name_or_path = model.name_or_path = str(path.parent)
    model.eval()
    return model, load_tokenizer(path)


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


def _config(head: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
    def of(key: str, default: Any = None) -> Any:
        return head.get(f"llama.{key}", default)

    if of("rope.scaling.type", "none") not in ("none", ""):
        raise WrongUse(f"Bases with {of('rope.scaling.type')!r} rope scaling cannot be tuned yet.")
    heads = int(of("attention.head_count"))
    width = int(of("embedding_length"))
    return {
        "vocab_size": state["model.embed_tokens.weight"].shape[0],
        "hidden_size": width,
        "intermediate_size": int(of("feed_forward_length")),
        "num_hidden_layers": int(of("block_count")),
        "num_attention_heads": heads,
        "num_key_value_heads": int(of("attention.head_count_kv", heads)),
        "head_dim": int(of("attention.key_length", width // heads)),
        "rms_norm_eps": float(of("attention.layer_norm_rms_epsilon", 1e-5)),
        "max_position_embeddings": int(of("context_length")),
        "rope_parameters": {
            "rope_theta": float(of("rope.freq_base", 10000.0)),
            "rope_type": "default",
        },
        "tie_word_embeddings": "lm_head.weight" not in state,
        "bos_token_id": head.get("tokenizer.ggml.bos_token_id"),
        "eos_token_id": head.get("tokenizer.ggml.eos_token_id"),
        "pad_token_id": head.get("tokenizer.ggml.padding_token_id"),
    }


def _matrices(path: Path, head: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return transformers' names and float32 matrices."""
    import gguf

    heads = int(head["llama.attention.head_count"])
    kv_heads = int(head.get("llama.attention.head_count_kv", heads))
    data = np.memmap(path, mode="r", dtype=np.uint8)
    matrices = {}
    for entry in tensor_entries(path):
        name = _name(entry.name)
        if name is None:
            raise WrongUse(f"{path.name} holds {entry.name}, so it cannot be tuned here.")
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
        if name.endswith(("q_proj.weight", "k_proj.weight")):
            matrix = unpermute_from_rope(matrix, heads if "q_proj" in name else kv_heads)
        matrices[name] = matrix
    return matrices


def _name(name: str) -> str | None:
    if name in _OUTSIDE:
        return _OUTSIDE[name]
    parts = name.split(".")
    if len(parts) == 4 and parts[0] == "blk" and parts[3] == "weight" and parts[2] in _INSIDE:
        return f"model.layers.{parts[1]}.{_INSIDE[parts[2]]}.weight"
    return None
