"""A Ray cluster of this machine, kept by a process of its own: run as a script, it obeys lines.

`add` starts a node with one CPU, `kill` ends the last one as a power cut would; the end of standard
input ends all.
"""

import json
import sys

from ray.cluster_utils import Cluster


def main() -> None:
    said, sys.stdout = sys.stdout, sys.stderr
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    nodes = []
    for line in sys.stdin:
        if line.strip() == "add":
            nodes.append(cluster.add_node(num_cpus=1))
        if line.strip() == "kill":
            cluster.remove_node(nodes.pop(), allow_graceful=False)
        said.write(json.dumps(cluster.address) + "\n")
        said.flush()
    cluster.shutdown()


if __name__ == "__main__":
    main()
