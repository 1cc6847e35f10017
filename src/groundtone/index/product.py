"""The products of one vector with many, in 8 bits: an exact scan at the speed of a graph.

ONNX Runtime packs the rows once for the processor's 8-bit instructions; a scan of 200,000 rows of
192 numbers takes one core 2 to 4 ms, and for eight questions at once hardly longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundtone.cores import usable
from groundtone.onnx_format import Graph

if TYPE_CHECKING:
    import numpy as np

THREADS = 2
STEPS = 127  # of a row's numbers
# Of a question's: fewer, for where two products of 8 bits are added in 16, they must not overflow.
ASKED = 63
ZERO = 64


class Product:
    """Rows that questions are multiplied with; safe from many threads.

    Args:
        steps: of the rows in 8 bits, int8 [rows, dimensions].
        scales: what a step of each row is worth, float32.

    Attributes:
        steps: the rows, for whoever writes them down: what is packed cannot be had back. None after
            `forget`.
    """

    def __init__(self, steps: np.ndarray, scales: np.ndarray) -> None:
        import numpy as np
        import onnxruntime

        self.steps: np.ndarray | None = steps
        self.scales = scales
        graph = Graph("product")
        asked = graph.input("asked", "uint8", ["questions", steps.shape[1]])
        held = graph.constant(np.ascontiguousarray(steps.T))
        zero = graph.constant(np.array(ZERO, np.uint8))
        whole = graph.node("MatMulInteger", [asked, held, zero])
        scaled = graph.node("Cast", [whole], attributes={"to": 1})
        graph.node("Mul", [scaled, graph.constant(scales)], name="scores")
        graph.output("scores", "float32", ["questions", len(steps)])
        options = onnxruntime.SessionOptions()
        # What takes the time is to read the rows, which one core alone cannot do fast enough.
        options.intra_op_num_threads = min(THREADS, usable())
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            graph.model({"": 17}), options, providers=["CPUExecutionProvider"]
        )
        # It would keep the graph, rows and all, in case another processor had failed.
        vars(self._session)["_model_bytes"] = b""

    @classmethod
    def of(cls, rows: np.ndarray) -> Product:
        """Of rows as they are: float32 [rows, dimensions]."""
        import numpy as np

        scales = np.maximum(np.abs(rows).max(axis=1), 1e-12) / np.float32(STEPS)
        return cls(np.rint(rows / scales[:, None]).astype(np.int8), scales)

    def forget(self) -> None:
        """Let go of the rows: they will not be written down."""
        self.steps = None

    def __call__(self, asked: np.ndarray) -> np.ndarray:
        """Scores [questions, rows] in the order of the true products, but for about .001 of
        cosine, and up to a factor for each question.

        Args:
            asked: of `in_steps`, [questions, dimensions].
        """
        scores: np.ndarray = self._session.run(["scores"], {"asked": asked})[0]
        return scores


def in_steps(questions: np.ndarray) -> np.ndarray:
    """Questions as a `Product` takes them.

    Args:
        questions: float32 [questions, dimensions].
    """
    import numpy as np

    scales = np.maximum(np.abs(questions).max(axis=1, keepdims=True), 1e-12) / ASKED
    steps: np.ndarray = (np.rint(questions / scales) + ZERO).astype(np.uint8)
    return steps
