"""A cluster in a real Jupyter kernel: cell re-runs, interrupts and restarts."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

from tests.support.processes import Traces, assert_gone, is_running, traces_of

pytestmark = pytest.mark.portable

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 60
START = "import kit\ncluster = kit.start(brokers=1)"
REPORT = """
import json, os
print(json.dumps([os.getpid(), [broker.port for broker in cluster.brokers], cluster.data_dir]))
"""


class Notebook:
    """The kernel of a notebook, and what a front end does with it."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self.client = client

    def run(self, code: str, *, cell_id: str | None = None) -> str:
        """Run a cell, as JupyterLab sends it; returns what it printed."""
        request = self.client.session.msg(
            "execute_request",
            {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False},
            metadata={"cellId": cell_id} if cell_id else {},
        )
        self.client.shell_channel.send(request)
        printed = ""
        while True:
            message = self.client.get_iopub_msg(timeout=TIMEOUT_S)
            if message["parent_header"].get("msg_id") != request["header"]["msg_id"]:
                continue
            content = message["content"]
            if message["msg_type"] == "stream":
                printed += content["text"]
            elif message["msg_type"] == "error":
                raise AssertionError("\n".join(content["traceback"]))
            elif message["msg_type"] == "status" and content["execution_state"] == "idle":
                return printed

    def cluster(self) -> Traces:
        """What the cluster of the notebook consists of."""
        kernel_pid, ports, data_dir = json.loads(self.run(REPORT))
        return traces_of(ports, data_dir, parent_pid=kernel_pid)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Notebook]:
    """A notebook with a fresh kernel that can import the kit."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    manager, client = start_new_kernel(kernel_name="python3", extra_arguments=["--HistoryManager.enabled=False"])
    yield Notebook(manager, client)
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_rerun_of_a_cell_replaces_its_cluster(notebook: Notebook) -> None:
    """Running the cell again ends the first cluster, though its object is still shown in another cell."""
    notebook.run(START, cell_id="start")
    first = notebook.cluster()
    notebook.run("another_name = cluster", cell_id="keeps it alive")
    notebook.run(START, cell_id="start")
    second = notebook.cluster()

    assert_gone(first)
    assert is_running(second.pid)
    assert "closed" in notebook.run("print(another_name)")


def test_rerun_on_the_same_port_works(notebook: Notebook) -> None:
    """The port of the first run is free when the second asks for it."""
    notebook.run(START)
    port = notebook.cluster().ports[0]
    notebook.run("cluster.close()")
    for _ in range(3):
        notebook.run(f"cluster = kit.start(brokers=1, port={port})", cell_id="fixed port")

    assert notebook.cluster().ports == (port,)


def test_interrupted_kernel_keeps_its_cluster(notebook: Notebook) -> None:
    """The stop button stops the cell, not the brokers."""
    notebook.run(START)
    left = notebook.cluster()
    notebook.run(
        "try:\n    import os, signal; os.killpg(0, signal.SIGINT); input_never_comes = None\n"
        "except KeyboardInterrupt:\n    pass"
        if os.name == "posix"
        else "pass"
    )

    assert notebook.run("print(cluster.topics())").strip() == "{}"
    assert is_running(left.pid)


def test_restarted_kernel_leaves_no_cluster(notebook: Notebook) -> None:
    """Restart kernel ends the cluster, whether the kernel may say goodbye or is killed."""
    for now in [False, True]:
        notebook.run(START)
        left = notebook.cluster()
        notebook.manager.restart_kernel(now=now)
        notebook.client.wait_for_ready(timeout=TIMEOUT_S)

        assert_gone(left)


def test_shut_down_kernel_leaves_no_cluster(notebook: Notebook) -> None:
    """Closing the notebook for good ends its cluster."""
    notebook.run(START)
    left = notebook.cluster()
    notebook.manager.shutdown_kernel()

    assert_gone(left)
