"""Exporters for traces and metrics, by the standard variables; needs the extra ``otel``."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    MetricExporter,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter

from groundtone.errors import MissingExtra, WrongUse


def install(traces: str, metric: str) -> None:
    """Make this process's providers; both are flushed when it ends.

    Args:
        traces, metric: ``otlp``, ``console`` or ``none``.

    Raises:
        WrongUse: another exporter.
        MissingExtra: its package is not installed.
    """
    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win over the name here.
    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: "groundtone"}
    resource = Resource.create(named)
    if traces != "none":
        provider = TracerProvider(resource=resource)
        provider.add_span_processor(BatchSpanProcessor(_span_exporter(traces)))
        trace.set_tracer_provider(provider)
    if metric != "none":
        reader = PeriodicExportingMetricReader(_metric_exporter(metric))
        metrics.set_meter_provider(MeterProvider([reader], resource=resource))


def _span_exporter(name: str) -> SpanExporter:
    if name == "console":
        return ConsoleSpanExporter(out=sys.stderr)  # standard output holds results
    made: SpanExporter = _otlp(name, "TRACES", "trace_exporter", "OTLPSpanExporter")
    return made


def _metric_exporter(name: str) -> MetricExporter:
    if name == "console":
        return ConsoleMetricExporter(out=sys.stderr)
    made: MetricExporter = _otlp(name, "METRICS", "metric_exporter", "OTLPMetricExporter")
    return made


def _otlp(name: str, signal: str, module: str, kind: str) -> Any:
    if name != "otlp":
        raise WrongUse(
            f"OTEL_{signal}_EXPORTER={name} is not known here.", "Say otlp, console or none."
        )
    told = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    protocol = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", told)
    part = "http" if protocol.startswith("http") else "grpc"
    try:
        found = import_module(f"opentelemetry.exporter.otlp.proto.{part}.{module}")
    except ModuleNotFoundError as error:
        raise MissingExtra(f"The protocol {protocol} of OpenTelemetry", "otel") from error
    return getattr(found, kind)()
