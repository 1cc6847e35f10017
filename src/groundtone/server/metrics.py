"""What `/metrics` tells, in Prometheus' format."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

# The time when each series began would double their number, and tells nobody anything.
disable_created_metrics()  # type: ignore[no-untyped-call]
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """The numbers of one server. No label names a key, a document or a question."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "groundtone_requests",
            "Answered requests.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "groundtone_request_seconds",
            "From the request to the end of its answer.",
            ["route"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.first_token = Histogram(
            "groundtone_first_token_seconds",
            "From the request to the first piece of text.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.tokens = Counter(
            "groundtone_tokens",
            "Tokens read and written.",
            ["kind", "model"],
            registry=self.registry,
        )
        self.cost = Counter(
            "groundtone_cost_usd",
            "Money for models, US dollars.",
            ["model"],
            registry=self.registry,
        )
        self.refusals = Counter(
            "groundtone_refusals",
            "Questions that the documents do not answer.",
            registry=self.registry,
        )
        self.active = Gauge(
            "groundtone_generations", "Answers being written.", registry=self.registry
        )
        self.waiting = Gauge(
            "groundtone_generations_waiting", "Answers not yet begun.", registry=self.registry
        )

    def text(self) -> bytes:
        """All of them."""
        return generate_latest(self.registry)
