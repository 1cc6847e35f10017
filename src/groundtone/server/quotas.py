"""Rates and budgets of keys: admitted before the work, counted after it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from threading import Lock
from typing import Any

from fastapi import Request

from groundtone.catalog import Catalog
from groundtone.catalog.keys import ApiKey, Used
from groundtone.server.errors import ApiError

FLUSH_S = 2.0  # between two writes of what was used


class Quotas:
    """Counts what keys use. What was used is written every `FLUSH_S` seconds, and at the end.

    Args:
        catalog: keeps the counts, for all processes.
        quick: runs blocking work in a thread.
    """

    def __init__(self, catalog: Catalog, quick: Callable[..., Awaitable[Any]]) -> None:
        self._catalog = catalog
        self._run = quick
        self._pending: dict[str, Used] = {}
        self._flushed = time.monotonic()
        self._lock = Lock()

    async def admit(self, request: Request, key: ApiKey | None) -> None:
        """Count a request of this key; the limits go into the answer's headers.

        Raises:
            ApiError: 429, when its rate or its budget is used up.
        """
        if key is None:
            return
        if key.rate is not None and key.rate_seconds is not None:
            await self._admit_rate(request, key, key.rate, key.rate_seconds)
        if key.budget_usd is not None and key.budget_seconds is not None:
            used = await self._run(self._catalog.usage, key.id, key.budget_seconds)
            spent = used.cost_usd + self._pending.get(key.id, Used()).cost_usd
            if spent >= key.budget_usd:
                raise ApiError(
                    429,
                    f"The budget of this key is used up ({spent:.2f} of {key.budget_usd:g} USD).",
                    type="insufficient_quota",
                    code="insufficient_quota",
                    headers={"retry-after": "3600"},
                )
        self.add(key.id, Used(requests=1))
        await self.settle()

    async def _admit_rate(self, request: Request, key: ApiKey, rate: int, seconds: int) -> None:
        count = await self._run(self._catalog.count_request, key.id, seconds)
        left = max(1, round(seconds - time.time() % seconds))
        headers = {
            "x-ratelimit-limit-requests": str(rate),
            "x-ratelimit-remaining-requests": str(max(0, rate - count)),
            "x-ratelimit-reset-requests": f"{left}s",
        }
        request.state.headers = headers
        if count > rate:
            raise ApiError(
                429,
                f"This key may make {rate} requests in {seconds} s; try again in {left} s.",
                code="rate_limit_exceeded",
                headers={"retry-after": str(left)},
            )

    async def settle(self) -> None:
        """Write down what was used, if it was not done just now."""
        if time.monotonic() - self._flushed > FLUSH_S:
            await self.flush()

    async def flush(self) -> None:
        """Write down what was used since the last time."""
        self._flushed = time.monotonic()
        with self._lock:
            pending, self._pending = self._pending, {}
        if pending:
            await self._run(self._catalog.add_usage, pending)

    def add(self, key: str, used: Used) -> None:
        """Count what a request took; from any thread."""
        with self._lock:
            self._pending[key] = self._pending.get(key, Used()) + used
