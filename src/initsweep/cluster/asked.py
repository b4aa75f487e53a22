"""What a stage asks of the cluster, what nodes have for it, and what is said where it cannot be."""

import socket
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import ray
from ray import exceptions

from initsweep.core.errors import cut, few, said_by

TRIES = 3
"""How often a unit may lose its worker."""

LOOK = 1.0
"""Seconds between two looks at the nodes that there are."""

CONNECT = 0.5
"""Seconds for a node to take a connection."""

KINDS = (("CPU", "cpu"), ("GPU", "gpu"))
Needs = Mapping[str, float]
Send = Callable[[dict[str, object], bytes], Awaitable[None]]


@dataclass(slots=True, kw_only=True, eq=False)
class Asked:
    """What a stage has asked for.

    Attributes:
        waiting: The places of units that nobody does yet.
        lost: How often each unit has lost its worker.
        running: The tasks that do some of it, with the units of each and when it was begun.
        done: The units of which the stage has heard.
        twice: The units that a second worker does as well.
        starved: For how many seconds no node could do any of it.
        closed: Whether nothing more is to be sent.
    """

    work: Mapping[str, Any]
    units: Sequence[Any]
    key: str
    content: "ray.ObjectRef[Any]"
    send: Send
    waiting: deque[int] = field(default_factory=deque)
    lost: dict[int, int] = field(default_factory=dict)
    running: "dict[ray.ObjectRef[Any], tuple[Sequence[int], float]]" = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    twice: set[int] = field(default_factory=set)
    starved: float = 0.0
    closed: bool = False

    @property
    def needs(self) -> dict[str, float]:
        """What a task of it takes of a node, as Ray has it."""
        return {"num_cpus": self.work["needs"]["cpu"], "num_gpus": self.work["needs"]["gpu"]}

    def called(self, place: int) -> str:
        """Return a unit in words."""
        lanes = [f"rate {rate:g}, seed {seed}" for rate, seed in self.units[place]]
        return f"{self.work['scheme']} at {few(lanes, between='; ')}"


def slots_for(needs: Needs) -> int:
    """Return how many units the nodes that there are can do at the same time."""
    return sum(_slots(node, needs) for node in living_nodes())


def _slots(node: Mapping[str, Any], needs: Needs) -> int:
    has = node["Resources"]
    return int(min(has.get(kind, 0.0) // needs[name] for kind, name in KINDS if needs[name]))


def living_nodes() -> list[dict[str, Any]]:
    """Return the nodes that train, as far as Ray knows."""
    return _nodes(int(time.monotonic() / LOOK))


@lru_cache(maxsize=1)
def _nodes(_: int) -> list[dict[str, Any]]:
    nodes = [node for node in ray.nodes() if node["Alive"]]
    return [node for node in nodes if {kind for kind, _ in KINDS} & {*node["Resources"]}]


def takes_connections(node: Mapping[str, Any]) -> bool:
    """Return whether Ray listens on a node: it may be gone for seconds until the head knows."""
    place = node["NodeManagerAddress"], node["NodeManagerPort"]
    try:
        socket.create_connection(place, CONNECT).close()
    except OSError:
        return False
    return True


def no_room(needs: Needs) -> str:
    """Return what to say where no node has what a training needs."""
    wanted = " and ".join(f"{needs[name]:g} {kind}" for kind, name in KINDS if needs[name])
    return (
        f"No node of the cluster has {wanted} for one training. Start one that has; of nodes that "
        "are started on demand, keep one."
    )


def not_begun(error: exceptions.RayTaskError) -> str:
    """Return what to say where a worker cannot even import us."""
    return f"a worker could not begin ({cut(said_by(error.cause or error)[-1])})"


def ends_workers(called: str, why: str) -> str:
    """Return what to say of a training that ends its workers."""
    return (
        f"{called}: its worker was lost {TRIES} times ({cut(why)}). Perhaps it needs more memory "
        "than a node has left: take a smaller batch or network, fewer runtime.lanes_per_chunk, or "
        "start nodes with fewer CPUs (`ray start --num-cpus`). Finished work is kept, run again to "
        "go on."
    )
