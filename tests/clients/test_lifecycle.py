"""A cluster ends with whatever started it, and leaves no process, port or folder behind. Real processes throughout."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import kit
from tests.support.processes import Traces, assert_gone, is_free, is_running, traces_of
from tests.support.wait import wait_until

pytestmark = pytest.mark.portable

ROOT = Path(__file__).parents[2]
REPORT = """
def report(cluster):
    import json
    print(json.dumps([[broker.port for broker in cluster.brokers], cluster.data_dir]), flush=True)
"""


def traces(cluster: kit.Cluster) -> Traces:
    """What a cluster of this process consists of."""
    return traces_of([broker.port for broker in cluster.brokers], cluster.data_dir)


def reported(parent: subprocess.Popen[bytes]) -> Traces:
    """What the cluster consists of that another Python process reports next."""
    ports, data_dir = line_of(parent)
    return traces_of(ports, data_dir, parent_pid=parent.pid)


def python(code: str, cwd: Path = ROOT) -> subprocess.Popen[bytes]:
    """A Python process that runs ``code`` with the kit at hand."""
    return subprocess.Popen(
        [sys.executable, "-c", REPORT + textwrap.dedent(code)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def line_of(process: subprocess.Popen[bytes]) -> Any:
    """The next line of a process's output, as JSON."""
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def test_close_leaves_nothing_behind() -> None:
    """After the with block the process, the ports and the temporary folder are gone."""
    with kit.start(brokers=2) as cluster:
        left = traces(cluster)
        assert not any(is_free(port) for port in left.ports)
        assert (left.data_dir / "server.log").exists()
        assert [broker.is_alive for broker in cluster.brokers] == [True, True]

    assert_gone(left)
    assert [broker.is_alive for broker in cluster.brokers] == [False, False]
    cluster.close()
    with pytest.raises(kit.ClusterClosedError, match="closed"):
        cluster.topics()


def test_garbage_collected_cluster_ends() -> None:
    """A cluster that nobody refers to any more does not go on in secret."""
    cluster = kit.start(brokers=1)
    left = traces(cluster)
    del cluster
    gc.collect()

    assert_gone(left)


def test_two_clusters_live_side_by_side() -> None:
    """Closing one does not touch the other."""
    with kit.start(brokers=1) as first, kit.start(brokers=1) as second:
        first_left = traces(first)
        assert first.bootstrap_servers != second.bootstrap_servers
        first.close()
        assert_gone(first_left)

        assert second.topics() == {}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_killed_parent_takes_its_cluster_with_it() -> None:
    """Kill -9 leaves the parent no chance to clean up; the child sees to itself."""
    with python("import kit; cluster = kit.start(); report(cluster); input()") as parent:
        kept = reported(parent)
        assert is_running(kept.pid)
        parent.kill()
        parent.wait()

        assert_gone(kept)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_parent_takes_its_cluster_with_it_when_a_forked_process_lives_on() -> None:
    """A fork holds the other end of the child's pipe; the child looks at its parent too."""
    code = """
        import os, kit, time
        cluster = kit.start(brokers=1)
        sibling = os.fork()
        if sibling == 0:
            time.sleep(300)
            os._exit(0)
        print(sibling, flush=True)
        report(cluster)
        input()
    """
    with python(code) as parent:
        sibling, left = line_of(parent), reported(parent)
        try:
            parent.kill()
            parent.wait()
            assert_gone(left)
        finally:
            os.kill(sibling, signal.SIGKILL)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # Python 3.12: there are threads; that is the case
def test_forked_process_does_not_end_the_cluster() -> None:
    """A worker forked by multiprocessing may drop the cluster object, and even close it, without effect."""
    with kit.start(brokers=1) as cluster:
        left = traces(cluster)
        worker = multiprocessing.get_context("fork").Process(target=cluster.close)
        worker.start()
        worker.join()
        assert worker.exitcode == 0

        assert is_running(left.pid)
        assert not is_free(left.ports[0])
    assert_gone(left)


def test_parent_that_ends_normally_takes_its_cluster_with_it() -> None:
    """Reaching the end of a script is enough, and so is an exception."""
    for ending in ["", "raise SystemExit(3)", "del cluster; gone = kit.start(brokers=1)"]:
        with python(f"import kit; cluster = kit.start(brokers=1); report(cluster); input(); {ending}") as parent:
            left = reported(parent)
            parent.communicate(b"\n")
        assert_gone(left)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no signals between processes")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_to_the_cluster(number: signal.Signals) -> None:
    """An interrupt does not reach the cluster; SIGTERM ends it cleanly, which the Cluster then says."""
    with kit.start(brokers=1) as cluster:
        left = traces(cluster)
        os.kill(left.pid, number)
        if number == signal.SIGINT:
            assert cluster.topics() == {}
            return
        wait_until(lambda: not cluster.brokers[0].is_alive, "the cluster to end")

        assert "gone" in repr(cluster)
        with pytest.raises(kit.ClusterClosedError, match=r"ended with status 0"):
            cluster.topics()
    assert_gone(left)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no process groups with signals")
def test_interrupting_the_parents_group_leaves_the_cluster_alone() -> None:
    """Jupyter interrupts a kernel's whole process group, and so does Ctrl-C in a terminal."""
    code = """
        import os, signal, kit
        os.setpgrp()
        cluster = kit.start(brokers=1)
        try:
            os.killpg(0, signal.SIGINT)
        except KeyboardInterrupt:
            pass
        assert cluster.topics() == {}
        report(cluster)
        input()
    """
    with python(code) as parent:
        left = reported(parent)
        parent.communicate(b"\n")
    assert parent.returncode == 0
    assert_gone(left)


def test_killed_child_is_reported_and_its_folder_removed() -> None:
    """When the brokers' process dies, the Cluster says so with the child's last words, and close() still cleans up."""
    cluster = kit.start(brokers=1)
    left = traces(cluster)
    psutil.Process(left.pid).kill()
    wait_until(lambda: not cluster.brokers[0].is_alive, "the child to die")

    with pytest.raises(kit.ClusterClosedError, match="listens for brokers"):
        cluster.topics()
    cluster.close()
    assert_gone(left)


def test_files_beside_the_notebook_do_not_confuse_the_child(tmp_path: Path) -> None:
    """A student's random.py, logging.py or kafka.py must not end up in the broker."""
    for name in ["random", "logging", "kafka", "socket", "crc32c", "json"]:
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the student')")
    code = f"""
        import sys, json, subprocess, tempfile
        import kit; kit.start
        import os; os.chdir({str(tmp_path)!r}); sys.path.insert(0, "")
        os.environ["PYTHONSTARTUP"] = "random.py"
        os.environ["PYTHONINSPECT"] = "1"
        cluster = kit.start(brokers=1)
        report(cluster)
        input()
        cluster.close()
        os._exit(0)
    """
    with python(code) as parent:
        left = reported(parent)
        parent.communicate(b"\n")
    assert_gone(left)


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A folder that does not exist yet."""
    return tmp_path / "new" / "folder"


def test_data_dir_keeps_topics_records_and_offsets(data_dir: Path) -> None:
    """A second start on the same folder goes on where the first ended, on other ports."""
    from kafka import KafkaConsumer, KafkaProducer, TopicPartition

    with kit.start(brokers=3, data_dir=data_dir) as cluster:
        with KafkaProducer(bootstrap_servers=cluster.bootstrap_servers) as producer:
            for number in range(10):
                producer.send("kept", b"%d" % number).get(10)
        consumer = KafkaConsumer(
            "kept", bootstrap_servers=cluster.bootstrap_servers, group_id="readers", auto_offset_reset="earliest"
        )
        first = [record.value for _, record in zip(range(4), consumer, strict=False)]
        consumer.commit({TopicPartition("kept", 0): _offset(4)})
        consumer.close()
    with kit.start(brokers=3, data_dir=str(data_dir)) as cluster:
        kept = cluster.topics()["kept"]
        consumer = KafkaConsumer("kept", bootstrap_servers=cluster.bootstrap_servers, group_id="readers")
        rest = [record.value for _, record in zip(range(6), consumer, strict=False)]
        consumer.close()

    assert [partition.high_watermark for partition in kept.partitions] == [10]
    assert first + rest == [b"%d" % number for number in range(10)]
    assert data_dir.exists()


def _offset(offset: int) -> Any:
    from kafka.structs import OffsetAndMetadata

    return OffsetAndMetadata(offset, "", -1)
