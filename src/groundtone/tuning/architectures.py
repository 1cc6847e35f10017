"""The families of models that can be tuned: their names in GGUF and in transformers.

Each is in the table of tests/tuning/test_architectures.py: base and adapter in llama.cpp equal
transformers' and PEFT's. Anything else is refused before any work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from groundtone.errors import WrongUse

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
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_FOUR_NORMS = {
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}
FACTORS = "rope_freqs.weight"
"""Llama 3's rope scaling: what each frequency is divided by."""

Head = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Family:
    """One architecture.

    Attributes:
        model, config: names of transformers' classes.
        paired: llama.cpp rotates neighbouring rows of q and k (transformers: halves), so that
            their rows, and those of adapters to them, are reordered.
        norm_offset: what GGUF's norm weights hold more than transformers' do.
        names: where its parts have other names than llama's.
        extra: settings that only this family has.
        attention: transformers' implementation that gives what llama.cpp gives.
    """

    model: str
    config: str
    paired: bool = False
    norm_offset: float = 0.0
    names: Mapping[str, str] | None = None
    extra: Callable[[Head, str], dict[str, Any]] | None = None
    attention: str = "sdpa"

    def name(self, gguf_name: str) -> str | None:
        """Transformers' name of a matrix or vector; None if such models have none."""
        if gguf_name in _OUTSIDE:
            return _OUTSIDE[gguf_name]
        parts = gguf_name.split(".")
        inside = {**_INSIDE, **(self.names or {})}
        if len(parts) != 4 or parts[0] != "blk" or parts[2] not in inside:
            return None
        if parts[3] not in ("weight", "bias"):
            return None
        return f"model.layers.{parts[1]}.{inside[parts[2]]}.{parts[3]}"


def _smollm3(_head: Head, _key: str) -> dict[str, Any]:
    return {"no_rope_layer_interval": 4}  # as llama.cpp has it, fixed


def _gemma(head: Head, key: str) -> dict[str, Any]:
    return {"hidden_activation": "gelu_pytorch_tanh"}


def _gemma2(head: Head, key: str) -> dict[str, Any]:
    return {
        **_gemma(head, key),
        "sliding_window": int(head.get(f"{key}.attention.sliding_window", 4096)),
        "attn_logit_softcapping": float(head.get(f"{key}.attn_logit_softcapping", 50.0)),
        "final_logit_softcapping": float(head.get(f"{key}.final_logit_softcapping", 30.0)),
        "query_pre_attn_scalar": int(head[f"{key}.attention.key_length"]),
    }


def _gemma3(head: Head, key: str) -> dict[str, Any]:
    layers = int(head[f"{key}.block_count"])
    kinds = ["full_attention" if (i + 1) % 6 == 0 else "sliding_attention" for i in range(layers)]
    theta = float(head.get(f"{key}.rope.freq_base", 1_000_000.0))
    near = float(head.get(f"{key}.rope.freq_base_swa", 10_000.0))
    return {
        **_gemma(head, key),
        "sliding_window": int(head.get(f"{key}.attention.sliding_window", 512)),
        "layer_types": kinds,
        "query_pre_attn_scalar": int(head[f"{key}.attention.key_length"]),
        "rope_parameters": {
            "full_attention": {"rope_theta": theta, "rope_type": "default"},
            "sliding_attention": {"rope_theta": near, "rope_type": "default"},
        },
    }


FAMILIES: Mapping[str, Family] = {
    # Llama, Mistral and SmolLM2 files all say "llama".
    "llama": Family("LlamaForCausalLM", "LlamaConfig", paired=True),
    "smollm3": Family("SmolLM3ForCausalLM", "SmolLM3Config", paired=True, extra=_smollm3),
    "qwen2": Family("Qwen2ForCausalLM", "Qwen2Config"),
    "qwen3": Family("Qwen3ForCausalLM", "Qwen3Config"),
    "gemma": Family("GemmaForCausalLM", "GemmaConfig", norm_offset=1.0, extra=_gemma),
    "gemma2": Family(
        "Gemma2ForCausalLM",
        "Gemma2Config",
        norm_offset=1.0,
        names=_FOUR_NORMS,
        extra=_gemma2,
        attention="eager",
    ),
    "gemma3": Family(
        "Gemma3ForCausalLM",
        "Gemma3TextConfig",
        norm_offset=1.0,
        names=_FOUR_NORMS,
        extra=_gemma3,
    ),
}
ARCHITECTURES = tuple(FAMILIES)


def settings(head: Head, vocabulary: int, *, tied: bool) -> dict[str, Any]:
    """The keyword arguments of a family's configuration, from a GGUF file's metadata.

    Raises:
        WrongUse: rope scaling of a kind that is not known here.
    """
    key = str(head["general.architecture"])
    family = FAMILIES[key]

    def of(name: str, default: Any = None) -> Any:
        return head.get(f"{key}.{name}", default)

    if of("rope.scaling.type", "none") not in ("none", ""):
        raise WrongUse(f"Bases with {of('rope.scaling.type')!r} rope scaling cannot be tuned yet.")
    heads, width = int(of("attention.head_count")), int(of("embedding_length"))
    return {
        "vocab_size": vocabulary,
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
        "tie_word_embeddings": tied,
        "bos_token_id": head.get("tokenizer.ggml.bos_token_id"),
        "eos_token_id": head.get("tokenizer.ggml.eos_token_id"),
        "pad_token_id": head.get("tokenizer.ggml.padding_token_id"),
        **(family.extra(head, key) if family.extra else {}),
    }
