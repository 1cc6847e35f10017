"""How fast a model's prompt could be read if its matrix products were all there is to do.

    python bench/products.py [--model smollm2-135m-instruct] [--tokens 1000] [--threads 2]

The sizes are those in the model's GGUF file, all blocks of it; the vocabulary's matrix counts once,
for the last token. Two limits: torch's products in float32, and ONNX Runtime's in 8 bits, which
round their input on the way, as the engines do. The best of the rounds counts; on a busy machine
look at the processor seconds.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from groundtone import weights
from groundtone.chat.metadata import tensor_entries
from groundtone.chat.threads import default_threads
from groundtone.onnx_format import Graph

Sizes = Counter[tuple[int, int]]
"""How often a product of so many numbers in and out is made for a token."""


def sizes(path: Path) -> Sizes:
    """The matrices of a model's blocks."""
    shapes = [e.shape for e in tensor_entries(path) if e.name.startswith("blk.")]
    return Counter((shape[1], shape[0]) for shape in shapes if len(shape) == 2)


def in_float32(found: Sizes, tokens: int, threads: int) -> Callable[[], object]:
    """Every product once."""
    import torch

    torch.set_num_threads(threads)
    pairs = [
        (torch.randn(tokens, inner), torch.randn(outer, inner))
        for (inner, outer), count in found.items()
        for _ in range(count)
    ]

    def run() -> None:
        with torch.inference_mode():
            for x, matrix in pairs:
                torch.nn.functional.linear(x, matrix)

    return run


def in_8_bits(found: Sizes, tokens: int, threads: int) -> Callable[[], object]:
    """Every product once, input rounded for each."""
    import onnxruntime

    graph = Graph("products")
    widths = sorted({inner for inner, _ in found})
    inputs = {inner: graph.input(f"x{inner}", "float32", ["s", inner]) for inner in widths}
    for number, (inner, outer) in enumerate(found.elements()):
        made = [
            inputs[inner],
            graph.constant(np.full((inner, outer), 3, np.int8)),
            graph.constant(np.full(outer, 1e-3, np.float32)),
            graph.constant(np.zeros(outer, np.int8)),
            graph.constant(np.ones(outer, np.float32)),
        ]
        y = graph.node("DynamicQuantizeMatMul", made, domain="com.microsoft")
        graph.node("Identity", [y], name=f"y{number}")
        graph.output(f"y{number}", "float32", ["s", outer])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    model = graph.model({"": 17, "com.microsoft": 1})
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    given = {f"x{inner}": np.ones((tokens, inner), np.float32) for inner in widths}
    return lambda: session.run(None, given)


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description="The limit of reading a prompt.")
    parser.add_argument("--model", default="smollm2-135m-instruct", help="or gguf:PATH")
    parser.add_argument("--tokens", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=default_threads())
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    name = given.model.removeprefix("gguf:")
    found = sizes(weights.path(name) if name in weights.KNOWN else Path(name))
    work = 2 * given.tokens * sum(i * o * count for (i, o), count in found.items())
    print(f"{given.tokens} tokens, {work / 1e9:.0f} GFLOP, {given.threads} threads")
    print(f"{'products':<10}{'ms':>8}{'CPU ms':>8}{'tokens/s':>10}{'GFLOP/s':>9}")
    for kind, make in (("float32", in_float32), ("8 bits", in_8_bits)):
        run = make(found, given.tokens, given.threads)
        run()
        walls, spent = [], []
        for _ in range(given.rounds):
            begun, busy = time.perf_counter(), time.process_time()
            run()
            walls.append(time.perf_counter() - begun)
            spent.append(time.process_time() - busy)
        best = min(walls)
        print(
            f"{kind:<10}{best * 1e3:>8.0f}{min(spent) * 1e3:>8.0f}"
            f"{given.tokens / best:>10.0f}{work / best / 1e9:>9.0f}"
        )


if __name__ == "__main__":
    main()
