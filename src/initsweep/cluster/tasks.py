"""Cuts what stages ask for into tasks of the cluster, and puts up with lost workers.

All schemes take turns. No more tasks wait in Ray's queues than keep its workers busy, so that short
units can go together in one task once it is known how short they are: a task costs a few
milliseconds, which is to be little beside the training.
"""

import asyncio
import itertools
import json
import math
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import ray
from ray import exceptions
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from initsweep.cluster import worker
from initsweep.cluster.asked import (
    LOOK,
    TRIES,
    Asked,
    ends_workers,
    living_nodes,
    no_room,
    not_begun,
    slots_for,
    takes_connections,
)
from initsweep.core.errors import said_by

TASK = 0.3
"""Seconds that a task of several units should take."""

AHEAD = 2
"""Tasks for each slot: one that runs and one that waits, so that no worker does."""

PAUSE = 1.0
"""Seconds until what has lost its worker is done again: Ray is to know that a node has gone."""

SLOW, LATE = 4.0, 4
"""A task is late after so many seconds and so many times what it should take."""

STARVED = 60.0
"""Seconds after which a stage is told that all nodes have gone that could train for it."""

UNSURE = 20.0
"""Seconds after a loss in which Ray may still count on a node that has gone."""

_do = ray.remote(worker.do)


class Tasks:
    """Everything that is to be done on the cluster."""

    def __init__(self) -> None:
        self._asked: deque[Asked] = deque()  # with units that nobody does yet
        self._open: list[Asked] = []
        self._running: set[asyncio.Task[None]] = set()
        self._seconds: dict[str, float] = {}  # of a unit, by study
        self._lost = -math.inf  # when a worker was lost last
        self._turn = itertools.count()

    def add(self, asked: Asked) -> None:
        """Begin to do what a stage asks for.

        Raises:
            ValueError: If no node has what a unit of it needs.
        """
        if not slots_for(asked.work["needs"]):
            raise ValueError(no_room(asked.work["needs"]))
        asked.waiting.extend(range(len(asked.units)))
        self._asked.append(asked)
        self._open.append(asked)
        self.fill()

    async def watch(self) -> None:
        """See nodes come and go."""
        while True:
            await asyncio.sleep(LOOK)
            self.fill()
            for asked in [*self._open]:
                asked.starved = 0.0 if slots_for(asked.work["needs"]) else asked.starved + LOOK
                if asked.starved > STARVED:
                    await self._fail(asked, no_room(asked.work["needs"]))
            self._hurry()

    def _hurry(self) -> None:
        """Let a second worker do what takes far too long, where nothing else waits for one.

        Its worker may hang, or be on a node that has gone: Ray takes up to 15 seconds to see that,
        and may send more there meanwhile. Whoever is first counts.
        """
        late = [(asked, batch) for asked in self._open for batch in self._late(asked)]
        busy = len(self._running) - len(late)
        for asked, batch in late:
            again = [place for place in batch if place not in asked.done | asked.twice]
            if again and not self._asked and busy < slots_for(asked.work["needs"]):
                asked.twice.update(again)
                self._begin(asked, again, self._living())
                busy += 1

    def _late(self, asked: Asked) -> list[Sequence[int]]:
        """Return the units of each task that takes far too long."""
        now, each = time.monotonic(), self._seconds.get(asked.key, math.inf)
        running = asked.running.values()
        return [batch for batch, begun in running if now - begun > SLOW + LATE * each * len(batch)]

    def _living(self) -> str | None:
        """Return a node that takes connections, another one each time; None if none does."""
        nodes = living_nodes()
        for _ in nodes:
            node = nodes[next(self._turn) % len(nodes)]
            if takes_connections(node):
                return str(node["NodeID"])
        return None

    def drop(self, asked: Asked) -> None:
        """Give up what a stage has asked for."""
        asked.closed = True
        asked.waiting.clear()
        if asked in self._open:
            self._open.remove(asked)
        for task in asked.running:
            ray.cancel(task, force=True)

    def fill(self) -> None:
        """Give the cluster as much as keeps it busy, of all schemes in turn."""
        self._asked = deque(one for one in self._asked if one.waiting)
        while self._asked:
            asked = self._asked[0]
            slots = slots_for(asked.work["needs"])
            if len(self._running) >= AHEAD * max(1, slots):
                return
            batch = self._batch(asked, slots)
            unsure = time.monotonic() - self._lost < UNSURE
            self._begin(asked, batch, self._living() if unsure else None)
            self._asked.rotate(-1)
            self._asked = deque(one for one in self._asked if one.waiting)

    def _batch(self, asked: Asked, slots: int) -> list[int]:
        """Return the next units that go together; what has lost a worker goes alone."""
        each = self._seconds.get(asked.key)
        most = 1 if each is None else max(1, int(TASK / max(each, 1e-6)))
        left = sum(len(one.waiting) for one in self._asked)
        most = min(most, math.ceil(left / max(1, slots)))
        batch = [asked.waiting.popleft()]
        while asked.waiting and len(batch) < most and not asked.lost:
            batch.append(asked.waiting.popleft())
        return batch

    def _begin(self, asked: Asked, batch: Sequence[int], node: str | None = None) -> None:
        units = [asked.units[place] for place in batch]
        request = json.dumps({"work": {**asked.work, "study": None}, "units": units})
        there = None if node is None else NodeAffinitySchedulingStrategy(node, soft=True)
        prepared = _do.options(**asked.needs, scheduling_strategy=there, max_retries=0)
        task = prepared.remote(asked.content, asked.key, request)
        asked.running[task] = (batch, time.monotonic())
        running = asyncio.ensure_future(self._follow(asked, batch, task))
        self._running.add(running)
        running.add_done_callback(self._ended)

    def _ended(self, running: "asyncio.Task[None]") -> None:
        self._running.discard(running)
        if not running.cancelled():
            running.exception()  # said to the stage
        self.fill()

    async def _follow(self, asked: Asked, batch: Sequence[int], task: "ray.ObjectRef[Any]") -> None:
        """Wait for a task, and send what came of it."""
        try:
            answer = await task
        except exceptions.RayTaskError as error:
            answer = {"parts": [], "seconds": [], "error": not_begun(error), "mismatch": False}
        except exceptions.RayError as error:
            await self._again(asked, batch, error)
            return
        finally:
            asked.running.pop(task)
        if asked.closed:
            return
        self._learn(asked.key, answer["seconds"])
        parts = [
            (place, part)
            for place, part in zip(batch, answer["parts"], strict=False)
            if place not in asked.done
        ]
        asked.done.update(place for place, _ in parts)
        if parts:
            places = [[place, len(part)] for place, part in parts]
            await asked.send({"parts": places}, b"".join(part for _, part in parts))
        if said := answer["error"]:
            if not answer["mismatch"]:
                said = f"{asked.called(batch[len(answer['parts'])])}: {said}"
            await self._fail(asked, said, mismatch=answer["mismatch"])
        elif len(asked.done) == len(asked.units):
            self.drop(asked)

    async def _again(self, asked: Asked, batch: Sequence[int], error: exceptions.RayError) -> None:
        """Have units done by other workers, unless it is they that end workers."""
        self._lost = time.monotonic()
        batch = [place for place in batch if place not in asked.done]
        for place in batch:
            asked.lost[place] = asked.lost.get(place, 0) + 1
        await asyncio.sleep(PAUSE)
        if asked.closed or not batch:
            return
        if hopeless := [place for place in batch if asked.lost[place] >= TRIES]:
            await self._fail(asked, ends_workers(asked.called(hopeless[0]), said_by(error)[0]))
            return
        asked.waiting.extendleft(reversed(batch))
        if asked not in self._asked:
            self._asked.append(asked)

    async def _fail(self, asked: Asked, said: str, *, mismatch: bool = False) -> None:
        if not asked.closed:
            self.drop(asked)
            await asked.send({"error": said, "mismatch": mismatch}, b"")

    def _learn(self, key: str, seconds: Sequence[float]) -> None:
        """Take in how long units took; what the first one of a process took is soon forgotten."""
        for one in seconds:
            known = self._seconds.get(key, one)
            self._seconds[key] = one if one < known / 4 else 0.9 * known + 0.1 * one
