"""What all requests of one server share: the workspace, threads for blocking work, its numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from groundtone.advice.prices import Prices, load_prices
from groundtone.catalog.keys import Used
from groundtone.server.generation import Generations
from groundtone.server.metrics import Metrics
from groundtone.server.quotas import Quotas

if TYPE_CHECKING:
    from groundtone.workspace import Workspace

P = ParamSpec("P")
T = TypeVar("T")

QUICK_THREADS = 8  # look-ups and searches: milliseconds each


class Serving:
    """The parts that the routes use; made once for an application, closed with it.

    Args:
        workspace: what is served; its owner closes it.

    Attributes:
        quotas: rates and budgets of keys.
        generations: answers being written.
        metrics: what `/metrics` tells.
        stopping: set when the server begins to shut down.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.metrics = Metrics()
        self.stopping = asyncio.Event()
        self._quick = ThreadPoolExecutor(QUICK_THREADS, thread_name_prefix="groundtone-quick")
        self.quotas = Quotas(workspace.catalog, self.quick)
        limits = workspace.settings.server
        self.generations = Generations(
            lambda: workspace.chat.parallel,
            waiting=limits.waiting,
            seconds=limits.request_seconds,
            metrics=self.metrics,
        )

    async def quick(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run short blocking work (the catalog, a search) in one of a few threads of its own.

        Generation has other threads, so that this never waits behind it.
        """
        work: Any = partial(call, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._quick, work)

    def spent(self, key: str | None, model: str, prompt: int, completion: int) -> None:
        """Count tokens, and what they cost, for the key and for `/metrics`; from any thread."""
        price = self._prices.find(self._known_as(model))
        cost = 0.0
        if price is not None:
            cost = float(prompt * price.input + completion * price.output) / 1_000_000
        self.metrics.tokens.labels("prompt", model).inc(prompt)
        self.metrics.tokens.labels("completion", model).inc(completion)
        self.metrics.cost.labels(model).inc(cost)
        if key is not None:
            self.quotas.add(key, Used(0, prompt, completion, cost))

    def _known_as(self, model: str) -> str:
        base = self.workspace.settings.chat.model
        return base if model in ("base", base) else model

    @cached_property
    def _prices(self) -> Prices:
        return load_prices(self.workspace.folder)

    async def close(self) -> None:
        """Write down what is left to be, and end the threads."""
        self.stopping.set()
        await asyncio.to_thread(self.generations.close)
        await self.quotas.flush()
        self._quick.shutdown(wait=True, cancel_futures=True)
