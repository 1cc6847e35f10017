"""Spans, metrics and log lines, into memory; and nothing where nobody asked."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundtone import Workspace, telemetry

pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed")

from opentelemetry import metrics, trace
from opentelemetry.metrics import _internal as metrics_internal
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import (
    InMemorySpanExporter,
)

ROOT = Path(__file__).parents[1]
QUESTION = "Where is the key?"
TOLD: dict[str, Any] = {
    "answer": "In the drawer. [1]",
    "refused": False,
    "stopped": False,
    "citations": [{}, {}],
    "unsupported": ["Perhaps."],
    "model": "ft:gpt-4.1-mini:acme:x:1",
    "usage": {"prompt_tokens": 900, "completion_tokens": 40, "cost_usd": 0.0},
    "timings_ms": {
        "embed": 10.0, "search": 60.0, "prompt": 5.0, "first_token": 165.0, "check": 30.0,
        "total": 1000.0,
    },
    "searched": QUESTION,
    "evidence": 0.9,
    "flagged": [2],
    "passages": [{}, {}, {}],
}  # fmt: skip


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    return exporter


@pytest.fixture
def numbers(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryMetricReader]:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(metrics_internal, "_METER_PROVIDER", provider)
    assert metrics.get_meter_provider() is provider
    yield reader
    provider.shutdown()


def recorded(numbers: InMemoryMetricReader) -> dict[str, list[Any]]:
    """The points of every metric, by its name."""
    data = numbers.get_metrics_data()
    assert data is not None
    return {
        metric.name: list(metric.data.data_points)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def answer(**changes: Any) -> None:
    telemetry.begin().answered(
        {**TOLD, **changes}, question=QUESTION, base="openai:gpt-4.1-mini", embedder="minilm"
    )


def by_name(exporter: InMemorySpanExporter) -> dict[str, Any]:
    return {span.name.partition(" ")[0]: span for span in exporter.get_finished_spans()}


def test_an_answer_is_a_tree_of_spans(spans: InMemorySpanExporter) -> None:
    answer()
    found = by_name(spans)
    assert list(found) == [
        "invoke_workflow", "retrieval", "embeddings", "prompt", "chat", "attribution",
    ]  # fmt: skip
    root = found["invoke_workflow"]
    assert root.parent is None
    for name in ("retrieval", "prompt", "chat", "attribution"):
        assert found[name].parent.span_id == root.context.span_id
    assert found["embeddings"].parent.span_id == found["retrieval"].context.span_id

    def ms(name: str) -> tuple[float, float]:
        span = found[name]
        return ((span.start_time - root.start_time) / 1e6, (span.end_time - root.start_time) / 1e6)

    assert ms("invoke_workflow") == (0, 1000)
    assert ms("retrieval") == (0, 60)
    assert ms("embeddings") == (0, 10)
    assert ms("prompt") == (60, 65)
    assert ms("chat") == (65, 970)
    assert ms("attribution") == (970, 1000)


def test_attributes_follow_the_conventions(spans: InMemorySpanExporter) -> None:
    answer()
    found = by_name(spans)
    chat = found["chat"]
    assert chat.name == "chat ft:gpt-4.1-mini:acme:x:1"
    assert chat.kind is trace.SpanKind.CLIENT
    assert chat.attributes["gen_ai.operation.name"] == "chat"
    assert chat.attributes["gen_ai.provider.name"] == "openai"
    assert chat.attributes["gen_ai.request.model"] == "ft:gpt-4.1-mini:acme:x:1"
    assert chat.attributes["gen_ai.usage.input_tokens"] == 900
    assert chat.attributes["gen_ai.usage.output_tokens"] == 40
    assert chat.attributes["gen_ai.response.time_to_first_chunk"] == pytest.approx(0.1)
    assert found["attribution"].attributes["groundtone.citations"] == 2
    assert found["attribution"].attributes["groundtone.unsupported"] == 1
    assert found["invoke_workflow"].attributes["groundtone.refused"] is False


def test_no_words_are_sent_unless_asked_for(
    spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer()
    assert not any(
        QUESTION in str(value) or "drawer" in str(value)
        for span in spans.get_finished_spans()
        for value in span.attributes.values()
    )
    spans.clear()
    monkeypatch.setenv(telemetry.CONTENT, "true")
    answer()
    found = by_name(spans)
    assert found["retrieval"].attributes["gen_ai.retrieval.query.text"] == QUESTION
    (message,) = json.loads(found["chat"].attributes["gen_ai.output.messages"])
    assert message["parts"][0]["content"] == "In the drawer. [1]"


def test_a_refusal_has_no_generation(spans: InMemorySpanExporter) -> None:
    answer(model="", refused=True, citations=[], unsupported=[])
    assert set(by_name(spans)) == {"invoke_workflow", "retrieval", "embeddings"}


def test_spans_lie_inside_the_callers(spans: InMemorySpanExporter) -> None:
    with trace.get_tracer("app").start_as_current_span("request") as request:
        answer()
    root = by_name(spans)["invoke_workflow"]
    assert root.parent.span_id == request.get_span_context().span_id


def test_metrics_count_tokens_times_and_outcomes(
    spans: InMemorySpanExporter, numbers: InMemoryMetricReader
) -> None:
    answer()
    answer(model="", refused=True)
    found = recorded(numbers)
    tokens = {
        point.attributes["gen_ai.token.type"]: point.sum
        for point in found["gen_ai.client.token.usage"]
    }
    assert tokens == {"input": 900, "output": 40}
    (duration,) = found["gen_ai.client.operation.duration"]
    assert duration.sum == pytest.approx(0.905)
    outcomes = {p.attributes["groundtone.outcome"]: p.value for p in found["groundtone.answers"]}
    assert outcomes == {"answered": 1, "refused": 1}
    assert found["groundtone.retrieval.duration"][0].count == 2


@pytest.mark.parametrize("wrong", [False, True])
def test_work_on_a_job_is_a_span_around_what_it_does(
    spans: InMemorySpanExporter,
    numbers: InMemoryMetricReader,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wrong: bool,
) -> None:
    pytest.importorskip("sqlalchemy")
    from groundtone.catalog import StoredJob
    from groundtone.jobs.worker import KINDS, Worker

    def work(_workspace: Workspace, hold: Any) -> None:
        telemetry.begin().found(1, question=QUESTION)
        if wrong:
            raise RuntimeError("boom")
        hold.succeed()

    monkeypatch.setitem(KINDS, "sync", work)
    with Workspace.create(tmp_path / "kb") as workspace:
        workspace.catalog.put_job(StoredJob("job-1", "sync", "sync", {}))
        Worker(workspace.folder).step(workspace.catalog)
    inner, outer = spans.get_finished_spans()
    assert (inner.name, outer.name) == ("retrieval", "job sync")
    assert inner.parent is not None and outer.context is not None
    assert inner.parent.span_id == outer.context.span_id
    outcome = "failed" if wrong else "succeeded"
    assert dict(outer.attributes or {}) == {
        "groundtone.job.kind": "sync",
        "groundtone.job.id": "job-1",
        "groundtone.job.attempt": 1,
        "groundtone.outcome": outcome,
    }
    assert outer.status.is_ok is not wrong
    (point,) = recorded(numbers)["groundtone.job.duration"]
    assert point.attributes["groundtone.outcome"] == outcome


def test_errors_are_marked(spans: InMemorySpanExporter) -> None:
    telemetry.begin().failed(ValueError("broken"))
    root = by_name(spans)["invoke_workflow"]
    assert root.status.status_code is trace.StatusCode.ERROR
    assert root.attributes["error.type"] == "ValueError"


def test_log_lines_are_json_with_their_trace(
    spans: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="groundtone.answers"):
        answer()
        telemetry.begin().found(3, question=QUESTION)
    answered, searched = (json.loads(record.message) for record in caplog.records)
    assert answered["event"] == "answered"
    assert answered["usage"]["prompt_tokens"] == 900
    root = by_name(spans)["invoke_workflow"]
    assert answered["trace"] == f"{root.context.trace_id:032x}"
    assert (searched["event"], searched["passages"]) == ("searched", 3)
    assert QUESTION not in caplog.text


def test_a_workspace_tells_of_its_searches(
    spans: InMemorySpanExporter, tmp_path: Path, minilm: object
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# Door\n\nThe blue key opens the front door.\n")
    with Workspace.create(tmp_path / "kb") as workspace:
        workspace.sync(tmp_path / "docs")
        workspace.search("blue key")
        refused = workspace.ask("Who won the cup in 1954?")
    assert refused.refused
    names = [span.name.partition(" ")[0] for span in spans.get_finished_spans()]
    assert names == ["retrieval", "invoke_workflow", "retrieval", "embeddings"]


PROGRAM = """
import sys, groundtone
from groundtone import telemetry
telemetry.configure()
assert ("opentelemetry.sdk" in sys.modules) is {expected}, sorted(sys.modules)
telemetry.begin().found(1, question="x")
"""


def run(expected: bool, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(expected=expected)],
        env={**kept, "PYTHONPATH": str(ROOT / "src"), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_TRACES_EXPORTER": "console", "OTEL_SDK_DISABLED": "true"},
    ],
)
def test_nothing_is_loaded_and_nothing_exported_unasked(environment: dict[str, str]) -> None:
    done = run(False, **environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_standard_variables_switch_it_on_without_touching_results() -> None:
    done = run(True, OTEL_TRACES_EXPORTER="console", OTEL_SERVICE_NAME="manuals")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert '"name": "retrieval"' in done.stderr
    assert "manuals" in done.stderr
    wrong = run(True, OTEL_TRACES_EXPORTER="carrier-pigeon")
    assert wrong.returncode != 0
    assert "otlp, console or none" in wrong.stderr
