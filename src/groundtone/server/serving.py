"""What all requests of one server share: the workspace, threads for blocking work, its numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

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
        metrics: what `/metrics` tells.
        stopping: set when the server begins to shut down.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.metrics = Metrics()
        self.stopping = asyncio.Event()
        self._quick = ThreadPoolExecutor(QUICK_THREADS, thread_name_prefix="groundtone-quick")
        self.quotas = Quotas(workspace.catalog, self.quick)

    async def quick(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run short blocking work (the catalog, a search) in one of a few threads of its own.

        Generation has other threads, so that this never waits behind it.
        """
        work: Any = partial(call, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._quick, work)

    async def close(self) -> None:
        """Write down what is left to be, and end the threads."""
        self.stopping.set()
        await self.quotas.flush()
        self._quick.shutdown(wait=True, cancel_futures=True)
