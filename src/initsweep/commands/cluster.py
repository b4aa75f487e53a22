"""`initsweep cluster check`: what a Ray cluster has, and whether it gives this machine's bits."""

import argparse
import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from initsweep.core.params import load_params
from initsweep.running import cluster, cluster_process

KERNELS = ("code", "torch", "numpy", "kernels")
"""What has to be the same where the kernels train; of Python and Ray, Ray itself sees to it."""

TORCH = ("processor", "gpu")
"""What has to be the same as well where torch trains."""

OPEN = (
    "WARNING: whoever reaches this cluster over the network can run any code on it: it asks for no "
    "token, and Ray listens on all interfaces. Start it with RAY_AUTH_MODE=token, or behind a "
    "firewall (docs/cluster.md)."
)


def run(options: argparse.Namespace) -> tuple[str, int]:
    """Look at a cluster before a study.

    Returns:
        What there is to say, and 0 if every node that trains gives the same bits by the kernels.
    """
    address, cores = options.address, len(os.sched_getaffinity(0))
    if address is None and options.params.exists():
        address = load_params(options.params).runtime.address
    with (
        cluster_process.process(address, cores) as variables,
        closing(cluster.connect(variables[cluster_process.SOCKET])) as connection,
    ):
        found = connection.ask("nodes")
    nodes, here = found["nodes"], found["here"]
    for node in nodes:
        node["answer"] = _answer(node, here)
    training = [node for node in nodes if node["cpu"] or node["gpu"]]
    lines = [_first(nodes, here), "", *_table(nodes), ""]
    lines.append(_told(training))
    if found["open"]:
        lines += ["", OPEN]
    return "\n".join(lines), int(not training or any(n["answer"] == "no" for n in training))


def _first(nodes: Sequence[Mapping[str, Any]], here: Mapping[str, str]) -> str:
    cpus, gpus = (sum(node[kind] for node in nodes) for kind in ("cpu", "gpu"))
    return (
        f"Ray {here['ray']}, Python {here['python']}: {len(nodes)} nodes, {cpus:g} CPUs, {gpus:g} "
        f"GPUs. This machine: torch {here['torch']}, NumPy {here['numpy']}, code {here['code']}, "
        f"kernels {here['kernels']}, {here['processor']}."
    )


def _answer(node: dict[str, Any], here: Mapping[str, str]) -> str:
    """Return whether a node gives the same bits; `why` of the node says why not."""
    if "error" in node:
        node["why"] = node["error"]
        return "no"
    about = node["about"]
    node["why"] = "; ".join(
        f"{name} is {about[name] or 'none'}, here {here[name] or 'none'}"
        for name in (*KERNELS, *TORCH)
        if about[name] != here[name]
    )
    if any(about[name] != here[name] for name in KERNELS):
        return "no"
    return "by kernels" if node["why"] else "yes"


def _table(nodes: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [("node", "CPUs", "GPUs", "memory", "same bits", "")]
    rows += [
        (
            f"{node['host']} {node['address']}",
            f"{node['cpu']:g}",
            f"{node['gpu']:g}",
            f"{node['memory'] / 1e9:.1f} GB",
            node["answer"] if node["cpu"] or node["gpu"] else "trains not",
            node["why"],
        )
        for node in nodes
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(row[i].rjust(widths[i]) for i in range(1, 5)), row[5]]
        ).rstrip()
        for row in rows
    ]


def _told(training: Sequence[Mapping[str, Any]]) -> str:
    """Return what the answers come to."""
    answers = {node["answer"] for node in training}
    if not training:
        return "No node has CPUs or GPUs to train with."
    if "no" in answers:
        return (
            "A study would be refused by the nodes that say no: the same versions and sources are "
            "needed on all (`pip install -c constraints.txt`, the same commit)."
        )
    if "by kernels" in answers:
        return (
            "Studies that the compiled kernels train come to the same bits. What torch trains "
            "would be refused by some nodes: start all with one ATEN_CPU_CAPABILITY (`avx2`), this "
            "machine too, or leave them out."
        )
    return "All nodes come to the same bits as this machine."
