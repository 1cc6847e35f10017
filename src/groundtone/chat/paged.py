"""A GGUF model in OpenVINO's form, with a paged key-value store: converted once, compiled, fed.

OpenVINO GenAI reads the GGUF. Its pipelines are not used: their cache gives back what was read in
other pieces, or written by the model, and a token read alone has other logits than one read with
others (measured: up to 0.48), so answers would depend on what was asked before.

The store is in float32: with OpenVINO's 8 bits, a key's rounding depends on its neighbours, and
log-probabilities of SmolLM2-135M moved by up to 4.4 with how the prompt was cut.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundtone.chat.metadata import TensorEntry, metadata, tensor_entries
from groundtone.chat.pages import SIZE
from groundtone.errors import Busy, EngineError, MissingExtra
from groundtone.weights import cache_dir

# What is written does not depend on the precision, but the pipeline is compiled for it too, and in
# bfloat16 small models end with a floating point exception where there is one core.
_CONVERT = """
import sys
import openvino_genai
openvino_genai.LLMPipeline(
    sys.argv[1], "CPU", enable_save_ov_model=True, INFERENCE_PRECISION_HINT="f32"
)
"""
_CONVERT_SECONDS = 900.0
_FILES = ("openvino_model.xml", "openvino_model.bin")


def check_supported(path: Path) -> None:
    """Raise unless OpenVINO GenAI reads this model as llama.cpp does.

    Raises:
        EngineError: it is another architecture, or stretches its positions: GenAI's reader
            leaves such things out without a word.
    """
    head = metadata(path)
    architecture = head.get("general.architecture", "")
    if head.get("general.type", "model") != "model" or not architecture:
        raise EngineError(f"{path} is not a model.", "Name a base model in GGUF format.")
    if any(_end(entry) > path.stat().st_size for entry in tensor_entries(path)):
        raise EngineError(f"{path} is cut off: it ends before its weights do.", "Copy it again.")
    reason = ""
    if architecture != "llama":
        reason = f"its architecture is {architecture!r}, not 'llama'"
    elif head.get("llama.rope.scaling.type", "none") != "none" or any(
        entry.name.startswith("rope_") for entry in tensor_entries(path)
    ):
        reason = "it stretches its positions (rope scaling)"
    elif "llama.expert_count" in head:
        reason = "it is a mixture of experts"
    elif "general.file_type" not in head:
        reason = "its file does not say how it is quantised (general.file_type)"
    if reason:
        raise EngineError(
            f"{path.name} cannot be served by OpenVINO: {reason}.",
            f"Serve it with llama.cpp: gguf:{path}",
        )


def converted(path: Path, cache: Path | None = None) -> Path:
    """Return the folder of the model in OpenVINO's form, made now if it is not in the cache.

    It lies in `cache`, by default the folder ``openvino`` of the user's cache, under the file's
    name and what identifies its state (path, size, time, OpenVINO's version). Conversion runs in
    a process of its own, because the reader ends its process on some damaged files.

    Raises:
        MissingExtra: OpenVINO GenAI is not installed.
        EngineError: it cannot read the file.
        Busy: another process has been converting it for 15 minutes.
    """
    from filelock import FileLock, Timeout

    state = path.resolve().stat()
    what = f"{path.resolve()}|{state.st_size}|{state.st_mtime_ns}|{_version()}"
    name = f"{path.stem}-{hashlib.sha256(what.encode()).hexdigest()[:16]}"
    folder = (cache or cache_dir() / "openvino") / name
    if all((folder / file).is_file() for file in _FILES):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder.parent / f".{name}.lock", timeout=_CONVERT_SECONDS):
            if not all((folder / file).is_file() for file in _FILES):
                _convert(path.resolve(), folder)
    except Timeout:
        raise Busy(
            f"Another process has been converting {path.name} for 15 minutes.",
            "Wait for it, or end it and run this again.",
        ) from None
    return folder


class PagedModel:
    """One compiled model and its store.

    Args:
        folder: from `converted`.
        threads: CPU threads.

    Attributes:
        vocabulary: how many logits there are.
    """

    def __init__(self, folder: Path, threads: int) -> None:
        ov = _openvino()
        try:
            self._compiled = _compile(ov, folder, threads)
        except RuntimeError as error:
            raise EngineError(
                f"OpenVINO cannot load what it made of {folder.name}: {_first_line(error)}",
                f"Delete the folder {folder}: it is made again.",
            ) from error
        self._ov = ov
        self._request: Any = self._compiled.create_infer_request()
        stores = [port for port in self._compiled.inputs if "_cache." in port.any_name]
        shapes = [[size.get_length() for size in list(port.partial_shape)[1:]] for port in stores]
        self._stores = list(zip(stores, shapes, strict=True))
        block = {shape[1] for shape in shapes}
        self._blocks_a_page = SIZE // max(block)
        if len(block) != 1 or SIZE % max(block):
            raise EngineError("OpenVINO's store has blocks of an unknown size.")
        self._pages = 0
        self._tensors: list[Any] = []
        self._grow(16)

    def read(self, tokens: Sequence[int], position: int, pages: Sequence[int]) -> np.ndarray:
        """Read tokens into the store and return the last one's logits, float32.

        Args:
            tokens: at least one.
            position: how many tokens lie before them in `pages`.
            pages: numbers of the pages of all these tokens.
        """
        if max(pages) >= self._pages:
            self._grow(max(max(pages) + 1, 2 * self._pages))
        count, each = len(tokens), self._blocks_a_page
        total = position + count
        blocks = (np.array(pages)[:, None] * each + np.arange(each)).reshape(-1)
        used = -(-total * each // SIZE)
        for name, values, kind in (
            ("input_ids", tokens, np.int64),
            ("position_ids", np.arange(position, total), np.int64),
            ("past_lens", [position], np.int32),
            ("subsequence_begins", [0, count], np.int32),
            ("block_indices_begins", [0, used], np.int32),
            ("block_indices", blocks[:used], np.int32),
            ("max_context_len", total, np.int32),
        ):
            self._request.set_tensor(name, self._ov.Tensor(np.array(values, dtype=kind)))
        self._request.infer()
        logits: np.ndarray = self._request.get_tensor("logits").data.reshape(-1).copy()
        return logits

    def _grow(self, pages: int) -> None:
        old, self._tensors = self._tensors, []
        for number, (port, shape) in enumerate(self._stores):
            tensor = self._ov.Tensor(
                port.element_type, self._ov.Shape([pages * self._blocks_a_page, *shape])
            )
            if old:
                kept = old[number].data
                tensor.data[: len(kept)] = kept
            self._request.set_tensor(port.any_name, tensor)
            self._tensors.append(tensor)
        self._pages = pages


def _compile(ov: Any, folder: Path, threads: int) -> Any:
    # Kept out of the public names by OpenVINO; GenAI's pipelines do the same in C++.
    from openvino._offline_transformations import paged_attention_transformation

    # No CACHE_DIR: what OpenVINO stores of a paged model it cannot load, and compiles anew.
    core = ov.Core()
    model = core.read_model(folder / _FILES[0])
    paged_attention_transformation(model)
    # The vocabulary's matrix is a fifth of the work: for the last token alone.
    head = model.output("logits").get_node().input_value(0).get_node()
    last = ov.opset13.slice(
        head.input_value(0), np.array([-1]), np.array([2**31 - 1]), np.array([1]), np.array([0])
    )
    head.input(0).replace_source_output(last.output(0))
    model.validate_nodes_and_infer_types()
    return core.compile_model(
        model,
        "CPU",
        {
            "KV_CACHE_PRECISION": "f32",
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
        },
    )


def _convert(path: Path, folder: Path) -> None:
    _openvino()
    work = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
    try:
        given = work / "model.gguf"
        try:
            given.symlink_to(path)
        except OSError:  # not allowed to everybody on Windows
            shutil.copyfile(path, given)
        try:
            ended = subprocess.run(
                [sys.executable, "-c", _CONVERT, str(given)],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_CONVERT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise EngineError(f"Converting {path.name} for OpenVINO took too long.") from None
        if ended.returncode or not all((work / file).is_file() for file in _FILES):
            said = [line for line in ended.stderr.splitlines() if line.strip()]
            why = said[-1] if said else f"its reader ended with status {ended.returncode}"
            raise EngineError(
                f"OpenVINO GenAI cannot read {path.name}: {why}.",
                "Serve it with llama.cpp instead (gguf:PATH), or use Q8_0 or F16.",
            )
        for file in work.iterdir():
            if file.name not in _FILES:
                file.unlink()
        shutil.rmtree(folder, ignore_errors=True)
        work.replace(folder)
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(work)


def _end(entry: TensorEntry) -> int:
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    try:
        values, size = GGML_QUANT_SIZES[GGMLQuantizationType(entry.kind)]
    except (ValueError, KeyError):  # a newer type: GenAI refuses those that it does not know
        return entry.offset
    return entry.offset + math.prod(entry.shape) // int(values) * int(size)


def _openvino() -> Any:
    try:
        import openvino
        import openvino.opset13
        import openvino_genai  # noqa: F401
    except ImportError as error:
        raise MissingExtra("The OpenVINO engine", "openvino") from error
    return openvino


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("openvino-genai")
    except PackageNotFoundError:
        raise MissingExtra("The OpenVINO engine", "openvino") from None


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
