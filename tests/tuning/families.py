"""Tiny models of every family, random weights, written as GGUF with gguf's own table of names.

Nothing here uses groundtone's names or reordering, so that a mistake there cannot cancel out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
import transformers

from chat.small_model import CONTEXT, SPECIAL, TEMPLATE, vocabulary

WIDTH, HEADS, KV_HEADS, SIZE, INNER = 64, 4, 2, 16, 96
COMMON = {
    "hidden_size": WIDTH,
    "intermediate_size": INNER,
    "num_hidden_layers": 2,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KV_HEADS,
    "head_dim": SIZE,
    "max_position_embeddings": CONTEXT,
    "rms_norm_eps": 1e-5,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 2,
}
GEMMA = {"query_pre_attn_scalar": SIZE, "sliding_window": 32}

FAMILIES: dict[str, tuple[str, str, dict[str, Any]]] = {
    # name: transformers' prefix, GGUF's architecture, settings
    "Llama": ("Llama", "llama", {"tie_word_embeddings": False}),
    "Mistral": ("Mistral", "llama", {"sliding_window": None}),
    "SmolLM2": ("Llama", "llama", {"tie_word_embeddings": True}),
    "SmolLM3": ("SmolLM3", "smollm3", {"num_hidden_layers": 5}),
    "Qwen2": ("Qwen2", "qwen2", {"tie_word_embeddings": True}),
    "Qwen3": ("Qwen3", "qwen3", {"head_dim": 32}),
    "Gemma": ("Gemma", "gemma", {"num_key_value_heads": 1}),
    "Gemma2": ("Gemma2", "gemma2", {**GEMMA, "num_hidden_layers": 3}),
    "Gemma3": ("Gemma3", "gemma3", {**GEMMA, "num_hidden_layers": 7}),
}


def build(name: str, folder: Path, *, seed: int = 0) -> tuple[Any, Path]:
    """The model in transformers' hands and the same as a GGUF file."""
    prefix, architecture, settings = FAMILIES[name]
    tokens, _ = vocabulary()
    suffix = "TextConfig" if name == "Gemma3" else "Config"
    config = getattr(transformers, prefix + suffix)(
        **{**COMMON, "vocab_size": len(tokens), **settings}
    )
    torch.manual_seed(seed)
    kinds = {"attn_implementation": "eager"}
    model = getattr(transformers, prefix + "ForCausalLM")._from_config(config, **kinds)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for key, value in model.named_parameters():
            size = 1.0 if "embed_tokens" in key else 0.4 if "lm_head" in key else 0.2
            drawn = torch.randn(value.shape, generator=generator) * size
            # Norms vary, so that one read with the wrong offset is seen.
            value.copy_(0.1 * drawn + (0.0 if "Gemma" in name else 1.0) if "norm" in key else drawn)
    model.eval()
    path = folder / f"{name}.gguf"
    write(model, architecture, path)
    return model, path


def write(model: Any, architecture: str, path: Path) -> None:
    config = model.config
    tokens, merges = vocabulary()
    out = gguf.GGUFWriter(path, architecture)
    out.add_string("general.type", "model")
    out.add_context_length(CONTEXT)
    out.add_embedding_length(config.hidden_size)
    out.add_block_count(config.num_hidden_layers)
    out.add_feed_forward_length(config.intermediate_size)
    out.add_head_count(config.num_attention_heads)
    out.add_head_count_kv(config.num_key_value_heads)
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    out.add_key_length(size)
    out.add_value_length(size)
    out.add_rope_dimension_count(size)
    rope = config.rope_parameters
    out.add_rope_freq_base(float(rope.get("full_attention", rope)["rope_theta"]))
    out.add_layer_norm_rms_eps(config.rms_norm_eps)
    if architecture in ("gemma2", "gemma3"):
        out.add_sliding_window(config.sliding_window)
    if architecture == "gemma2":
        out.add_attn_logit_softcapping(config.attn_logit_softcapping)
        out.add_final_logit_softcapping(config.final_logit_softcapping)
    out.add_vocab_size(len(tokens))
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("smollm")
    out.add_token_list(tokens)
    out.add_token_types([3] * len(SPECIAL) + [1] * (len(tokens) - len(SPECIAL)))
    out.add_token_merges(merges)
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)
    out.add_pad_token_id(2)
    out.add_add_bos_token(False)
    out.add_chat_template(TEMPLATE)
    kind = next(k for k, v in gguf.MODEL_ARCH_NAMES.items() if v == architecture)
    names = gguf.get_tensor_name_map(kind, config.num_hidden_layers)
    for key, value in model.state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        stem, _, what = key.rpartition(".")
        array = value.numpy()
        if architecture in ("llama", "smollm3") and stem.endswith(("q_proj", "k_proj")):
            heads = config.num_attention_heads if "q_proj" in stem else config.num_key_value_heads
            array = (  # as llama.cpp's convert_hf_to_gguf.py reorders it
                array.reshape(heads, 2, array.shape[0] // heads // 2, *array.shape[1:])
                .swapaxes(1, 2)
                .reshape(array.shape)
            )
        if "gemma" in architecture and stem.endswith("norm"):
            array = array + 1
        out.add_tensor(f"{names.get_name(stem)}.{what}", np.ascontiguousarray(array))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
