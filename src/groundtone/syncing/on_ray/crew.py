"""Actors of several kinds, each kept busy; what is lost with one is given to another.

Ray would restart a lost actor and repeat its calls, but only where there is room for it: a node
that does not come back would hold up what the others could do. So a lost actor is replaced by a
new one, which may wait for room, while its calls go to those that are there.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from groundtone.errors import GroundtoneError

DEPTH = 2  # calls an actor has at a time: the next is there when one ends
START_S = 300.0  # for the first actor of a kind: a cluster that grows takes minutes
LOSSES = 8  # with nothing done between them


@dataclass(slots=True)
class Call:
    """Something given to a crew. ``result`` counts once ``done``."""

    kind: str
    payload: Any
    done: bool = False
    result: Any = None


@dataclass(slots=True)
class _Kind:
    make: Callable[[], Any]
    waiting: deque[Call] = field(default_factory=deque)
    load: dict[Any, int] = field(default_factory=dict)  # calls that each actor has
    losses: int = 0


class Crew:
    """Some actors, and what they are doing; used by one thread.

    Args:
        ray: the module, connected.
        places: paths that every machine must have.
    """

    def __init__(self, ray: Any, places: Sequence[str] = ()) -> None:
        self._ray = ray
        self._places = list(places)
        self._kinds: dict[str, _Kind] = {}
        self._starting: dict[Any, tuple[_Kind, Any]] = {}
        self._running: dict[Any, tuple[Call, Any]] = {}
        self._began = time.monotonic()

    def engage(self, kind: str, make: Callable[[], Any], count: int) -> None:
        """Have so many actors of a kind, which ``make`` makes."""
        self._kinds[kind] = _Kind(make)
        for _ in range(count):
            self._start(self._kinds[kind])

    def give(self, kind: str, payload: Any) -> Call:
        """Have something done."""
        call = Call(kind, payload)
        self._kinds[kind].waiting.append(call)
        self.look(0)
        return call

    def wait(self, call: Call) -> Any:
        """The result of a call.

        Raises:
            GroundtoneError: no actor could be started, or each is lost.
        """
        while not call.done:
            self.look(1.0)
        return call.result

    def look(self, seconds: float) -> None:
        """Take in what has ended, waiting so long for something to end, and hand out more."""
        self._hand_out()
        under_way = [*self._running, *self._starting]
        if not under_way:
            return
        ended, _ = self._ray.wait(under_way, num_returns=1, timeout=seconds)
        if ended:  # and what else there is
            ended, _ = self._ray.wait(under_way, num_returns=len(under_way), timeout=0)
        for one in ended:
            if one in self._starting:
                self._started(one)
            else:
                self._ended(one)
        self._hand_out()
        if not ended:
            self._see_that_some_are_there()

    def dismiss(self) -> None:
        """End all actors, whatever they are doing."""
        actors = [actor for kind in self._kinds.values() for actor in kind.load]
        for actor in [*actors, *(actor for _, actor in self._starting.values())]:
            self._ray.kill(actor)
        self._kinds, self._starting, self._running = {}, {}, {}

    def _start(self, kind: _Kind) -> None:
        actor = kind.make()
        self._starting[actor.ready.remote(self._places)] = (kind, actor)

    def _started(self, ref: Any) -> None:
        kind, actor = self._starting.pop(ref)
        try:
            lacking = self._ray.get(ref)
        except self._ray.exceptions.ActorDiedError as error:
            cause = getattr(error, "cause", None) or error
            if "died in creation" in str(error) or "creation task" in str(error):
                raise _cannot_work(str(error)) from cause
            self._lose(kind)
        except self._ray.exceptions.RayError:
            self._lose(kind)
        else:
            if lacking:
                raise GroundtoneError(
                    f"A machine of the Ray cluster does not have {lacking[0]}.",
                    "Put the documents where all machines have them under the same path, or sync "
                    "without Ray.",
                )
            kind.load[actor] = 0

    def _ended(self, ref: Any) -> None:
        call, actor = self._running.pop(ref)
        kind = self._kinds[call.kind]
        try:
            call.result = self._ray.get(ref)
        except self._ray.exceptions.RayTaskError:
            raise  # ours: what was asked for cannot be done anywhere
        except self._ray.exceptions.RayError:  # the worker, its node, or what it answered is lost
            kind.waiting.appendleft(call)
            if kind.load.pop(actor, None) is not None:
                self._lose(kind)
            return
        call.done = True
        kind.losses = 0
        if actor in kind.load:
            kind.load[actor] -= 1

    def _lose(self, kind: _Kind) -> None:
        kind.losses += 1
        if kind.losses > LOSSES:
            raise GroundtoneError(
                "The workers of the Ray cluster end before they have done anything.",
                "See `ray status` and their logs; what was synced so far is kept.",
            )
        self._start(kind)

    def _hand_out(self) -> None:
        for kind in self._kinds.values():
            while kind.waiting and kind.load:
                actor = min(kind.load, key=lambda one: kind.load[one])
                if kind.load[actor] >= DEPTH:
                    break
                call = kind.waiting.popleft()
                self._running[actor.work.remote(call.payload)] = (call, actor)
                kind.load[actor] += 1

    def _see_that_some_are_there(self) -> None:
        lacking = any(kind.waiting and not kind.load for kind in self._kinds.values())
        if not lacking:
            self._began = time.monotonic()
        elif time.monotonic() - self._began > START_S:
            raise GroundtoneError(
                "The Ray cluster has had no room for a worker in five minutes.",
                "See `ray status`: it needs a free processor; what was synced so far is kept.",
            )


def _cannot_work(said: str) -> GroundtoneError:
    lines = [line for line in said.strip().splitlines() if line.strip()]
    return GroundtoneError(
        f"A worker of the Ray cluster cannot work: {lines[-1].strip() if lines else said}",
        "Each machine needs the same groundtone, and its model: `groundtone models fetch`.",
    )
