"""A Ray cluster of several nodes on loopback, in a process of its own.

Run as a script it is that process: it says its address in one line of JSON, then does what each
line of its standard input says, and answers with a line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STORE_BYTES = 80_000_000
ROOT = Path(__file__).parent.parent


class RayCluster:
    """A head and a node, each with one processor."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid = process.pid
        """Of the process that all of the cluster's descend from."""
        self.address: str = json.loads(self._answer())["address"]

    def lose(self) -> None:
        """Have the node end as if its power had failed."""
        self._tell("lose")

    def grow(self) -> None:
        """Add a node."""
        self._tell("grow")

    def _tell(self, what: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(what + "\n")
        self._process.stdin.flush()
        self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                return line
        raise RuntimeError("the cluster has ended")


@contextmanager
def ray_cluster() -> Iterator[RayCluster]:
    """A cluster that ends with the block."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    process = subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    try:
        yield RayCluster(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(60)


def main() -> None:
    """Be the cluster until standard input ends."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": STORE_BYTES}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    nodes = [cluster.add_node(**node)]
    print(json.dumps({"address": cluster.address}), flush=True)
    for line in sys.stdin:
        if line.strip() == "lose":
            cluster.remove_node(nodes.pop(), allow_graceful=False)
        else:
            nodes.append(cluster.add_node(**node))
        print("{}", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main()
