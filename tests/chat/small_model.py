"""A llama of two layers with random weights, for tests of the engine that need no fetched weights.

Its answers are noise, but every weight, position and token matters in them, and as the weights
are float32 its probabilities can be compared with transformers' and peft's.
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
from tokenizers.pre_tokenizers import ByteLevel

WIDTH, HEADS, KV_HEADS, LAYERS, INNER, CONTEXT = 64, 4, 2, 2, 96, 512
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content']"
    " + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
USER, ASSISTANT = "\n<|im_start|>user\n", "\n<|im_start|>assistant\n"

SHAPES = {
    "attn_q": (WIDTH, WIDTH),
    "attn_k": (WIDTH // 2, WIDTH),
    "attn_v": (WIDTH // 2, WIDTH),
    "attn_output": (WIDTH, WIDTH),
    "ffn_gate": (INNER, WIDTH),
    "ffn_up": (INNER, WIDTH),
    "ffn_down": (WIDTH, INNER),
}


def vocabulary() -> tuple[list[str], list[str]]:
    """Tokens and merges: three special tokens, all bytes, a few words."""
    merges = ["h e", "l l", "he ll", "hell o", "Ġ w", "u s", "us e", "use r", "Ġ t", "Ġ Ġ"]
    letters = sorted(ByteLevel.alphabet())
    return [*SPECIAL, *letters, *("".join(merge.split(" ")) for merge in merges)], merges


def write_model(
    path: Path,
    *,
    seed: int = 0,
    architecture: str = "llama",
    splitting: str = "smollm",
    template: str = TEMPLATE,
    half: bool = False,
    context: int = CONTEXT,
) -> Path:
    """Write the model as GGUF in float32; `half`: its matrices in float16, and saying so;
    `context`: the most tokens that it says it reads."""
    random = np.random.default_rng(seed)
    tokens, merges = vocabulary()
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_string("general.type", "model")
    writer.add_context_length(context)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(splitting)
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(SPECIAL) + [1] * (len(tokens) - len(SPECIAL)))
    writer.add_token_merges(merges)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_add_bos_token(False)
    writer.add_chat_template(template)
    if half:
        writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)

    def matrix(rows: int, columns: int, size: float) -> np.ndarray:
        values = random.normal(size=(rows, columns)) * size
        return values.astype(np.float16 if half else np.float32)

    writer.add_tensor("token_embd.weight", matrix(len(tokens), WIDTH, 1.0))
    writer.add_tensor("output.weight", matrix(len(tokens), WIDTH, 0.4))
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, dtype=np.float32))
    for layer in range(LAYERS):
        for norm in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{norm}.weight", np.ones(WIDTH, dtype=np.float32))
        for name, (rows, columns) in SHAPES.items():
            writer.add_tensor(f"blk.{layer}.{name}.weight", matrix(rows, columns, 0.2))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write_adapter(
    path: Path,
    *,
    seed: int = 1,
    size: float = 0.3,
    switch: list[int] | None = None,
    architecture: str = "llama",
) -> Path:
    """Write a random LoRA adapter as GGUF; `switch`: llama.cpp's own invocation tokens."""
    random = np.random.default_rng(seed)
    rank = 4
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_string("general.type", "adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(rank))
    if switch is not None:
        kind = gguf.GGUFValueType
        writer.add_key_value(
            "adapter.alora.invocation_tokens", switch, kind.ARRAY, sub_type=kind.UINT32
        )
    for layer in range(LAYERS):
        for name, (rows, columns) in SHAPES.items():
            a = random.normal(size=(rank, columns)) / columns**0.5
            b = random.normal(size=(rows, rank)) * size
            writer.add_tensor(f"blk.{layer}.{name}.weight.lora_a", a.astype(np.float32))
            writer.add_tensor(f"blk.{layer}.{name}.weight.lora_b", b.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
