"""The nodes of a Ray on this machine: `python ray_nodes.py FOLDER` starts a head and two of them.

Prints a line of JSON with its addresses, adds a node for each line that it reads, and ends them all
when its input does.
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

from ray.cluster_utils import Cluster

CPUS = 4
# dead nodes are noticed after 3 s instead of 30
HEALTH = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 1000,
    "health_check_timeout_ms": 1000,
    "health_check_failure_threshold": 3,
}
_MEMORY = {"object_store_memory": 80_000_000}


def main(folder: Path) -> None:
    # what Ray prints is not for the test
    answers, sys.stdout = sys.stdout, sys.stderr
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        client_port = probe.getsockname()[1]
    head: dict[str, Any] = {
        "num_cpus": 0,
        "include_dashboard": False,
        "temp_dir": str(folder / "ray"),
        "ray_client_server_port": client_port,
        "_system_config": HEALTH,
        **_MEMORY,
    }
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        for _ in range(2):
            cluster.add_node(num_cpus=CPUS, **_MEMORY)
        told = {"address": cluster.address, "client": f"ray://127.0.0.1:{client_port}"}
        print(json.dumps(told), file=answers, flush=True)
        for _ in sys.stdin:
            cluster.add_node(num_cpus=CPUS, **_MEMORY)
            print(json.dumps(told), file=answers, flush=True)
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
