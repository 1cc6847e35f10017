"""Traces, metrics and log lines of what was answered and found; nothing of it by default.

Spans and metrics go to whatever OpenTelemetry provider the process has: an application's own, or
the one that `configure` makes where the standard ``OTEL_*`` variables ask for it. Where there is
none, a look at `sys.modules` is all that it costs. Names follow OpenTelemetry's conventions for
generative AI. No question, passage or answer is sent unless
``OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`` is ``true``.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from functools import lru_cache
from typing import Any

logger = logging.getLogger("groundtone.answers")
CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
MS = 1_000_000  # nanoseconds
_SCOPE = "groundtone"


def configure() -> None:
    """Make providers with the exporters that ``OTEL_*`` names; none is made unasked.

    ``OTEL_TRACES_EXPORTER`` and ``OTEL_METRICS_EXPORTER`` may be ``otlp``, ``console`` (to standard
    error) or ``none``; without them an ``OTEL_EXPORTER_OTLP_ENDPOINT`` means ``otlp``.
    """
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return
    traces, metrics = _wanted("TRACES"), _wanted("METRICS")
    if traces == metrics == "none":
        return
    try:
        from groundtone import telemetry_export
    except ModuleNotFoundError as error:
        logging.getLogger("groundtone").warning(
            "OTEL_* asks for telemetry, and %s is not installed: pip install 'groundtone[otel]'",
            error.name,
        )
        return
    telemetry_export.install(traces, metrics)


def flush() -> None:
    """Send what is not sent yet: for a process that ends without Python's own end."""
    if not _traced():
        return
    from opentelemetry import metrics, trace

    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
        with suppress(Exception):  # what cannot be sent now is lost, and nothing else
            getattr(provider, "force_flush", lambda: None)()


class Job:
    """The work of one process on one job: a span, and its time; what is done within lies inside.

    Args:
        kind: which work, as the queue names it.
        id: of the job.
        attempt: how often it was taken up, this time included.
    """

    def __init__(self, kind: str, id: str, attempt: int) -> None:
        self.outcome = "unknown"
        """How the work ended: the state that the job is in then; set it before leaving."""
        self._about: dict[str, Any] = {"groundtone.job.kind": kind}
        self._more: dict[str, Any] = {"groundtone.job.id": id, "groundtone.job.attempt": attempt}
        self._entered = ExitStack()
        self._span: Any = None
        self._began = 0.0

    def __enter__(self) -> Job:
        self._began = time.monotonic()
        if _traced():
            from opentelemetry import trace

            self._span = self._entered.enter_context(
                trace.get_tracer(_SCOPE).start_as_current_span(
                    f"job {self._about['groundtone.job.kind']}",
                    attributes={**self._about, **self._more},
                )
            )
        return self

    def __exit__(self, *error: Any) -> None:
        if self._span is not None:
            from opentelemetry import metrics, trace

            told = {**self._about, "groundtone.outcome": self.outcome}
            self._span.set_attributes(told)
            if self.outcome == "failed":
                self._span.set_status(trace.StatusCode.ERROR)
            _job_duration(metrics.get_meter_provider()).record(time.monotonic() - self._began, told)
        self._entered.__exit__(*error)


def begin() -> Watch:
    """Remember when work began, and inside which span."""
    return Watch(time.time_ns(), _context() if _traced() else None)


class Watch:
    """What was begun; told once how it ended."""

    def __init__(self, began_ns: int, parent: Any) -> None:
        self._began = began_ns
        self._parent = parent

    def answered(self, told: Mapping[str, Any], *, question: str, base: str, embedder: str) -> None:
        """An answer was given, or stopped.

        Args:
            told: the answer as ``ask --json`` prints it.
            base: the chat model that the settings name.
            embedder: the embedding model.
        """
        root = _record_answer(self, told, question, base, embedder) if _traced() else None
        if logger.isEnabledFor(logging.INFO):
            logger.info(_line("answered", _summary(told), root))

    def found(self, passages: int, *, question: str) -> None:
        """A search has ended."""
        ms = (time.time_ns() - self._began) / MS
        span = None
        if _traced():
            about = {"gen_ai.operation.name": "retrieval", "groundtone.passages": passages}
            if _content():
                about["gen_ai.retrieval.query.text"] = question
            span = self.span("retrieval", about, 0.0, ms)
        if logger.isEnabledFor(logging.INFO):
            summary = {"passages": passages, "total_ms": round(ms, 1)}
            logger.info(_line("searched", summary, span))

    def failed(self, error: BaseException) -> None:
        """It ended in an error."""
        if _traced():
            about = {"error.type": type(error).__name__, "gen_ai.operation.name": "invoke_workflow"}
            ms = (time.time_ns() - self._began) / MS
            self.span("invoke_workflow ask", about, 0.0, ms, error=str(error))

    def span(
        self,
        name: str,
        about: Mapping[str, Any],
        begin_ms: float,
        end_ms: float,
        *,
        inside: Any = None,
        error: str = "",
    ) -> Any:
        """Record one span that lies so many milliseconds after the beginning; returns it."""
        from opentelemetry import trace

        parent = self._parent if inside is None else trace.set_span_in_context(inside, self._parent)
        kind = trace.SpanKind.CLIENT if name.startswith("chat ") else trace.SpanKind.INTERNAL
        made = trace.get_tracer(_SCOPE).start_span(
            name,
            context=parent,
            kind=kind,
            attributes={key: value for key, value in about.items() if value is not None},
            start_time=self._began + round(begin_ms * MS),
        )
        if error:
            made.set_status(trace.StatusCode.ERROR, error)
        made.end(self._began + round(max(begin_ms, end_ms) * MS))
        return made


def _record_answer(
    watch: Watch, told: Mapping[str, Any], question: str, base: str, embedder: str
) -> Any:
    """Spans and metrics of one answer, by its own timings; returns the outermost span."""
    times, usage = told["timings_ms"], told["usage"]
    found = times["search"]
    wrote, total = found + times["prompt"], times["total"]
    model = told["model"] or base
    shared = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": _provider(base),
        "gen_ai.request.model": model,
        "gen_ai.response.model": model,
    }
    whole = {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": "ask",
        "groundtone.refused": told["refused"],
        "groundtone.stopped": told["stopped"],
        "groundtone.evidence": told["evidence"],
    }
    root = watch.span("invoke_workflow ask", whole, 0.0, total)
    retrieval = {
        "gen_ai.operation.name": "retrieval",
        "groundtone.passages": len(told["passages"]),
        "gen_ai.retrieval.query.text": question if _content() else None,
    }
    if told["searched"]:
        inner = watch.span("retrieval", retrieval, 0.0, found, inside=root)
        about = {"gen_ai.operation.name": "embeddings", "gen_ai.request.model": embedder}
        watch.span(f"embeddings {embedder}", about, 0.0, times["embed"], inside=inner)
    if told["model"]:  # otherwise nothing was written
        watch.span(
            "prompt", {"groundtone.flagged": len(told["flagged"])}, found, wrote, inside=root
        )
        chat = {
            **shared,
            "gen_ai.usage.input_tokens": usage["prompt_tokens"],
            "gen_ai.usage.output_tokens": usage["completion_tokens"],
            "gen_ai.response.time_to_first_chunk": max(0.0, times["first_token"] - wrote) / 1000,
            "gen_ai.output.messages": _message(told["answer"]) if _content() else None,
        }
        watch.span(f"chat {model}", chat, wrote, total - times["check"], inside=root)
        attribution = {
            "groundtone.citations": len(told["citations"]),
            "groundtone.unsupported": len(told["unsupported"]),
        }
        watch.span("attribution", attribution, total - times["check"], total, inside=root)
    _measure(told, shared, (total - times["check"] - wrote) / 1000)
    return root


def _measure(told: Mapping[str, Any], shared: Mapping[str, str], seconds: float) -> None:
    from opentelemetry import metrics

    tokens, duration, answers, retrieval = _instruments(metrics.get_meter_provider())
    usage = told["usage"]
    outcome = "stopped" if told["stopped"] else "refused" if told["refused"] else "answered"
    answers.add(1, {"groundtone.outcome": outcome})
    if told["searched"]:
        retrieval.record(told["timings_ms"]["search"] / 1000)
    if told["model"]:
        tokens.record(usage["prompt_tokens"], {**shared, "gen_ai.token.type": "input"})
        tokens.record(usage["completion_tokens"], {**shared, "gen_ai.token.type": "output"})
        duration.record(max(0.0, seconds), dict(shared))


@lru_cache(maxsize=4)
def _job_duration(provider: Any) -> Any:
    meter = provider.get_meter(_SCOPE)
    return meter.create_histogram("groundtone.job.duration", "s", "Time of work on a job.")


@lru_cache(maxsize=4)
def _instruments(provider: Any) -> tuple[Any, Any, Any, Any]:
    meter = provider.get_meter(_SCOPE)
    return (
        meter.create_histogram("gen_ai.client.token.usage", "{token}", "Tokens read and written."),
        meter.create_histogram("gen_ai.client.operation.duration", "s", "Time of one generation."),
        meter.create_counter("groundtone.answers", "{answer}", "Questions answered or refused."),
        meter.create_histogram("groundtone.retrieval.duration", "s", "Time to find passages."),
    )


def _traced() -> bool:
    """Whether anything in this process uses OpenTelemetry."""
    return "opentelemetry.trace" in sys.modules


def _context() -> Any:
    from opentelemetry import context

    return context.get_current()


def _wanted(signal: str) -> str:
    told = os.environ.get(f"OTEL_{signal}_EXPORTER", "").strip().lower()
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    return told or ("otlp" if any(os.environ.get(name) for name in endpoints) else "none")


def _content() -> bool:
    return os.environ.get(CONTENT, "").lower() == "true"


def _provider(base: str) -> str:
    """Whose model it is, as the conventions name it; an own server is named by its address."""
    if base.startswith("openai:"):
        return "openai"
    return base.partition("#")[0] if "://" in base else _SCOPE


def _message(text: str) -> str:
    return json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": text}]}])


def _summary(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "model": told["model"] or None,
        "refused": told["refused"],
        "stopped": told["stopped"],
        "citations": len(told["citations"]),
        "unsupported": len(told["unsupported"]),
        "passages": len(told["passages"]),
        "usage": told["usage"],
        "timings_ms": told["timings_ms"],
    }


def _line(event: str, about: Mapping[str, Any], span: Any) -> str:
    """One JSON object: what happened, when (UTC), and in which trace."""
    told = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "event": event}
    context = span.get_span_context() if span is not None else None
    if context is not None and context.is_valid:
        told["trace"] = f"{context.trace_id:032x}"
    return json.dumps({**told, **about})
