"""What the cluster has, and whether its nodes would come to the same bits."""

import asyncio
import os
import sys
from typing import Any

import numpy as np
import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from initsweep.cluster import worker
from initsweep.cluster.asked import slots_for
from initsweep.core.errors import said_by

PATIENCE = 60.0
"""Seconds for a node to say what it has: its first worker imports torch."""

_about = ray.remote(worker.about)


async def answer(request: dict[str, Any]) -> dict[str, object]:
    """Return the answer to a question."""
    if request["ask"] == "slots":
        return {"slots": slots_for(request["needs"])}
    found = [node for node in ray.nodes() if node["Alive"]]
    looked, is_open = await asyncio.gather(asyncio.gather(*map(_look, found)), _is_open())
    return {"nodes": looked, "open": is_open, "here": worker.about()}


async def _is_open() -> bool:
    """Return whether the cluster answers those who have no token."""
    client = (
        f"from ray._raylet import GcsClient; GcsClient({ray.get_runtime_context().gcs_address!r})"
    )
    nothing = {**os.environ, "RAY_AUTH_MODE": "disabled"}
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        nothing.pop(name, None)
    stranger = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        client,
        env=nothing,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    return await stranger.wait() == 0


async def _look(node: dict[str, Any]) -> dict[str, object]:
    """Return what one node has, and what it says of itself or why it does not."""
    has = node["Resources"]
    here: dict[str, object] = {
        "host": node["NodeManagerHostname"],
        "address": node["NodeManagerAddress"],
        "cpu": has.get("CPU", 0.0),
        "gpu": has.get("GPU", 0.0),
        "memory": has.get("memory", 0.0),
    }
    there = NodeAffinitySchedulingStrategy(node_id=node["NodeID"], soft=False)
    asked = _about.options(num_cpus=0, max_retries=0, scheduling_strategy=there).remote()
    try:
        here["about"] = await asyncio.wait_for(asyncio.wrap_future(asked.future()), PATIENCE)
    except (ray.exceptions.RayError, TimeoutError) as error:
        here["error"] = said_by(error)[-1]
    return here


def put(content: bytes) -> "ray.ObjectRef[Any]":
    """Return bytes as an object that workers share, without a copy for each."""
    return ray.put(np.frombuffer(content, np.uint8))
