"""What widgets offer to copy, pasted into a shell with Apache Kafka's own tools, and into Python.

Each tool is a Java process, which takes longer than everything else here; so one test uses each once.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import kit
from kit.widgets._code import Code, NewTopic, Reading, create_topic, delete_topic, read_topic
from kit.widgets._send_code import send_records
from kit.widgets._sending import Order
from tests.support.requirements import need
from tests.support.wait import wait_until

pytestmark = [pytest.mark.clients, pytest.mark.slow]

ODD = Order("copy.me", 'it\'s <b>$HOME</b> `x` "y"', key="a:b", headers=(("from", "x,y"), ("h", "")))


@pytest.fixture(scope="module")
def cluster() -> Iterator[kit.Cluster]:
    """Give a cluster of three brokers."""
    with kit.start(brokers=3) as cluster:
        yield cluster


def in_shell(code: Code, more: str = "") -> str:
    """What the command prints, in a shell that finds Kafka's tools."""
    bin_folder = Path(need("kafka-distribution")) / "bin"
    environment = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}", "KAFKA_HEAP_OPTS": "-Xmx128m"}
    done = subprocess.run(
        ["bash", "-c", code["text"] + more], env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, f"{code['text']}\n{done.stdout}{done.stderr}"
    return done.stdout


def in_python(code: Code) -> str:
    """What the code prints, in a Python of its own."""
    done = subprocess.run(
        [sys.executable, "-c", code["text"]], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_kafkas_tools_do_what_the_forms_do(cluster: kit.Cluster) -> None:
    """Create with settings, send an odd record, read it back, and delete that topic and no other."""
    need("java")
    settings = cluster.client_settings
    wanted = NewTopic("copy.me", 2, 3, (("cleanup.policy", "compact,delete"), ("retention.ms", "60000")))
    in_python(create_topic(NewTopic("copy-me", 1), settings)[0])

    in_shell(create_topic(wanted, settings)[1])
    in_shell(send_records(ODD, settings)[1])
    read = in_shell(
        read_topic(Reading("copy.me"), settings)[1], " --max-messages 1 --formatter-property print.headers=true"
    )

    assert len(cluster.topics(["copy.me"])["copy.me"].partitions) == 2
    assert 'from:x,y,h:\ta:b\tit\'s <b>$HOME</b> `x` "y"' in read
    in_shell(delete_topic("copy.me", settings)[1])
    wait_until(lambda: "copy.me" not in cluster.topics(["copy.me"]), "the topic to be gone")
    assert "copy-me" in cluster.topics(["copy-me"])


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (Reading("python.copy"), 3),
        (Reading("python.copy", 0, "offset", 1), 2),
        (Reading("python.copy", None, "timestamp", 1), 3),
        (Reading("python.copy", None, "latest"), 0),
    ],
)
def test_python_does_what_the_widgets_do(cluster: kit.Cluster, reading: Reading, expected: int) -> None:
    """The copied code sends and reads without a change."""
    settings = cluster.client_settings
    if "python.copy" not in cluster.topics():
        in_python(create_topic(NewTopic("python.copy", 1), settings)[0])
        in_python(send_records(Order("python.copy", "v", count=3), settings)[0])

    code = read_topic(reading, settings)[0]
    hasty: Code = {**code, "text": code["text"].replace("timeout_ms=5000", "timeout_ms=1000")}
    assert len(in_python(hasty).splitlines()) == expected
