"""The lecture's session with the practice CLI, step by step, as a student types it; and what can go wrong in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest
from kafka import KafkaConsumer, KafkaProducer

from kit import service
from tests.support.practice_terminals import COMMAND, CTRL_D, ROOT, Running, confluent
from tests.support.processes import Traces, assert_gone, is_free
from tests.support.requirements import need
from tests.support.wait import wait_until

CREATE = "kafka cluster create day2 --cloud gcp --region us-west1 -o json"
PRODUCER_BANNER = "Starting Kafka Producer. Use Ctrl-C or Ctrl-D to exit.\n"
CONSUMER_BANNER = "Starting Kafka Consumer. Use Ctrl-C to exit.\n"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it has no such terminals and signals")

Start = Callable[..., Running]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The kit's folder of one student, and empty of processes afterwards."""
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    yield tmp_path
    for left in service.running():
        left.close()


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    """Start a command that goes on."""
    assert home.exists()
    with ExitStack() as stack:

        def begin(line: str, *, terminal: bool = False) -> Running:
            running = Running(line, terminal=terminal)
            stack.callback(running.close)
            return running

        yield begin


@pytest.fixture
def cluster(home: Path) -> dict[str, Any]:
    """A cluster with the topic "orders" and a key, all in use."""
    assert home.exists()
    confluent("login")
    environment = json.loads(confluent("environment create day2 -o json").stdout)["id"]
    confluent(f"environment use {environment}")
    made: dict[str, Any] = json.loads(confluent(CREATE).stdout)
    confluent(f"kafka cluster use {made['id']}")
    confluent("kafka topic create orders")
    return made | json.loads(confluent(f"api-key create --resource {made['id']} --use -o json").stdout)


def settings(made: dict[str, Any]) -> dict[str, Any]:
    """What a student writes to connect with the issued key."""
    return {
        "bootstrap_servers": made["endpoint"].partition("://")[2],
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": made["api_key"],
        "sasl_plain_password": made["api_secret"],
    }


def kcat(made: dict[str, Any], secret: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run kcat with the issued key and a secret."""
    login = {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanisms": "PLAIN",
        "sasl.username": made["api_key"],
        "sasl.password": secret,
    }
    flags = [flag for name, value in login.items() for flag in ("-X", f"{name}={value}")]
    return subprocess.run(
        [need("kcat"), "-b", settings(made)["bootstrap_servers"], *flags, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def processes_of(home: Path) -> list[psutil.Process]:
    """Processes whose kit's folder this is."""
    found = []
    for process in psutil.process_iter():
        try:
            is_own = process.environ().get("KIT_HOME") == str(home) and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            continue
        if is_own and process.pid != os.getpid():
            found.append(process)
    return found


def test_lecture_from_login_to_clean_up(home: Path, start: Start) -> None:
    """Environment, cluster, key, topic, two terminals, other clients, and nothing left behind."""
    assert confluent("environment list", status=1).stderr.startswith("Error: you must log in to Confluent Cloud")
    confluent("login")
    environment = json.loads(confluent("environment create day2 -o json").stdout)
    assert list(environment) == ["is_current", "id", "name", "stream_governance_package"]
    confluent(f"environment use {environment['id']}")

    made = json.loads(confluent(CREATE).stdout)
    confluent(f"kafka cluster use {made['id']}")
    assert "no API key selected" in confluent("kafka topic produce orders", status=1).stderr
    made |= json.loads(confluent(f"api-key create --description day2 --resource {made['id']} -o json").stdout)
    confluent(f"api-key use {made['api_key']} --resource {made['id']}")

    assert confluent("kafka topic create orders").stdout == 'Created topic "orders".\n'
    described = json.loads(confluent("kafka topic describe orders -o json").stdout)
    assert described == {"name": "orders", "is_internal": False, "replication_factor": 3, "partition_count": 6}

    consumer = start("kafka topic consume orders -b", terminal=True)
    producer = start("kafka topic produce orders", terminal=True)
    for terminal, banner in ((consumer, CONSUMER_BANNER), (producer, PRODUCER_BANNER)):
        terminal.wait_for(banner)
    for drink in ("green tea", "café ☕"):
        producer.type(f"{drink}\n")
        consumer.wait_for(f"{drink}\n")
    assert producer.output == f"{PRODUCER_BANNER}green tea\ncafé ☕\n"  # what was typed, and nothing per record

    with KafkaProducer(**settings(made)) as sender:
        sender.send("orders", b"from kafka-python").get(timeout=30)
    consumer.wait_for("from kafka-python\n")
    with KafkaConsumer("orders", auto_offset_reset="earliest", **settings(made)) as reader:
        assert {next(reader).value.decode() for _ in range(3)} == {"green tea", "café ☕", "from kafka-python"}

    producer.type(CTRL_D)
    consumer.ctrl_c()
    assert (producer.end(), consumer.end()) == (0, 0)
    assert consumer.output.endswith("Stopping Consumer.\n")

    running = service.find(made["id"])
    assert running is not None
    traces = Traces(
        running.pid,
        tuple(int(each.rpartition(":")[2]) for each in running.bootstrap_servers.split(",")),
        Path(str(running.data_dir)),
    )
    for line, question in [
        ("kafka topic delete orders", 'topic "orders"'),
        (f"api-key delete {made['api_key']}", f'API key "{made["api_key"]}"'),
        (f"kafka cluster delete {made['id']}", f'Kafka cluster "{made["id"]}"'),
        (f"environment delete {environment['id']}", f'environment "{environment["id"]}"'),
    ]:
        out = confluent(line, stdin="y\n").stdout
        assert out == f"Are you sure you want to delete {question}? (y/n): Deleted {question}.\n"
    assert_gone(traces)
    assert processes_of(home) == []
    files = sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())
    assert files == ["practice/locks/state", "practice/state.json"]


def test_kcat_connects_with_the_issued_key_and_with_no_other(cluster: dict[str, Any]) -> None:
    """librdkafka, which the real CLI is built on; it puts keys where the CLI puts them, by CRC32."""
    names = [f"customer-{number}" for number in range(20)]
    confluent("kafka topic produce orders --parse-key", stdin="".join(f"{name}:own\n" for name in names))
    sent = kcat(cluster, cluster["api_secret"], "-P", "-t", "orders", "-K", ":", "-l", _file(names))
    assert sent.returncode == 0, sent.stderr

    read = kcat(cluster, cluster["api_secret"], "-C", "-t", "orders", "-e", "-q", "-f", r"%k %p %s\n")
    refused = kcat(cluster, "wrong", "-L", "-m", "5")

    assert read.returncode == 0, read.stderr
    places = {value: set() for value in ("own", "kcat")}  # type: dict[str, set[tuple[str, str]]]
    for line in read.stdout.splitlines():
        key, partition, value = line.split()
        places[value].add((key, partition))
    assert places["own"] == places["kcat"]
    assert len(places["own"]) == 20
    assert len({partition for _, partition in places["own"]}) > 1
    assert refused.returncode != 0


def _file(names: list[str]) -> str:
    path = Path(os.environ["KIT_HOME"]) / "lines.txt"
    path.write_text("".join(f"{name}:kcat\n" for name in names))
    return str(path)


def test_records_are_shown_as_the_flags_say(cluster: dict[str, Any], start: Start) -> None:
    """Keys, places, times and headers, from one partition and offset; and a group goes on where it was."""
    lines = "alice:tea\nalice:coffee\nalice:water\n"
    confluent("kafka topic produce orders --parse-key --headers from:desk", stdin=lines)
    confluent("kafka topic produce orders --value-format integer", stdin="42\n")
    whole = start("kafka topic consume orders -b --print-key --print-offset --timestamp")
    whole.wait_for("water\n")
    whole.ctrl_c()
    assert whole.end() == 0
    first = next(line for line in whole.output.splitlines() if line.endswith("\ttea"))
    key, rest, value = first.split("\t")
    timestamp, partition, offset = (part.partition(":") for part in rest.split())
    assert (key, value, offset[2]) == ("alice", "tea", "0")
    assert (timestamp[0], partition[0]) == ("Timestamp", "Partition")
    assert '% Headers: [from="desk"]\n' in whole.output

    later = start(f"kafka topic consume orders --partition {partition[2]} --offset 1 --group bar")
    later.wait_for("water\n")
    later.ctrl_c()
    later.end()
    assert later.output.splitlines()[::2][:2] == ["coffee", "water"]

    lag = json.loads(confluent("kafka consumer group lag list bar -o json").stdout)
    assert [(row["topic"], row["lag"]) for row in lag] == [("orders", 0)]
    confluent("kafka topic produce orders --parse-key", stdin="alice:juice\n")
    assert json.loads(confluent("kafka consumer group lag summarize bar -o json").stdout)["total_lag"] == 1
    again = start(f"kafka topic consume orders --partition {partition[2]} --group bar")
    again.wait_for("juice\n")
    assert again.output == "juice\n"


def test_two_of_a_group_share_the_partitions(cluster: dict[str, Any], start: Start) -> None:
    """Each record goes to one of them; the group can be looked at meanwhile."""
    readers = [start("kafka topic consume orders --group bar") for _ in range(2)]
    for reader in readers:
        reader.wait_for(CONSUMER_BANNER)

    def owners() -> list[dict[str, str]]:
        found: list[dict[str, str]] = json.loads(confluent("kafka consumer list --group bar -o json").stdout)
        return found

    wait_until(
        lambda: confluent("kafka consumer group describe bar -o json").stdout.count('"STABLE"') and len(owners()) == 2,
        "both to be in the group",
    )
    confluent("kafka topic produce orders --parse-key", stdin="".join(f"{number}:v{number}\n" for number in range(60)))
    wait_until(lambda: sum(len(reader.output.splitlines()) for reader in readers) == 60, "all records to be printed")

    assert all(reader.output for reader in readers)
    for reader in readers:
        reader.ctrl_c()
    assert [reader.end() for reader in readers] == [0, 0]


def test_long_input_and_reader_that_goes_away(cluster: dict[str, Any], start: Start) -> None:
    """Everything that was piped in is there; `| head` ends the consumer without a word."""
    count = 20_000
    confluent("kafka topic produce orders", stdin="".join(f"line {number}\n" for number in range(count)))
    reader = start("kafka topic consume orders -b")
    wait_until(lambda: reader.output.count("\n") >= count, "all lines to come back")
    reader.ctrl_c()
    assert reader.end() == 0
    assert sorted(reader.output.splitlines()) == sorted(f"line {number}" for number in range(count))

    with subprocess.Popen(
        [*COMMAND, *["kafka", "topic", "consume", "orders", "-b"]],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as piped:
        assert piped.stdout is not None
        assert piped.stderr is not None
        assert piped.stdout.readline().startswith(b"line ")
        piped.stdout.close()
        piped.wait(60)
        assert piped.stderr.read() == CONSUMER_BANNER.encode()


def test_terminal_is_safe_from_what_was_sent(cluster: dict[str, Any], start: Start) -> None:
    """Escape sequences are shown, not obeyed."""
    with KafkaProducer(**settings(cluster)) as sender:
        sender.send("orders", b"\x1b]0;title\x07\xff\x00").get(timeout=30)

    consumer = start("kafka topic consume orders -b", terminal=True)

    consumer.wait_for("\\x1b]0;title\\x07\\xff\\x00\n")
    consumer.ctrl_c()
    assert consumer.end() == 0


def test_cluster_that_crashes_is_one_sentence_and_comes_back(cluster: dict[str, Any], start: Start) -> None:
    """Who waits for it is told; the next command starts it again, with its records."""
    reader, writer = start("kafka topic consume orders"), start("kafka topic produce orders")
    for running, banner in ((reader, CONSUMER_BANNER), (writer, PRODUCER_BANNER)):
        running.wait_for(banner)
    writer.type("before\n")
    reader.wait_for("before\n")
    process = service.find(cluster["id"])
    assert process is not None
    ports = [int(each.rpartition(":")[2]) for each in process.bootstrap_servers.split(",")]
    os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: all(map(is_free, ports)), "the brokers to end with it")
    writer.type("never\n")

    assert (reader.end(), writer.end()) == (1, 1)
    for running in (reader, writer):
        _, _, text = running.errors.partition("to exit.\n")
        assert text == (
            f'Error: Kafka cluster "{cluster["id"]}" is gone\n\nSuggestions:\n'
            "    Its process has ended. The next command that needs it starts it again on its data: try once more.\n"
        )
    back = confluent("kafka topic produce orders", stdin="after\n")
    assert back.stderr == (
        f'The process of Kafka cluster "{cluster["id"]}" has ended: starting it again on its data.\n{PRODUCER_BANNER}'
    )
    again = start("kafka topic consume orders -b")
    again.wait_for("after\n")
    assert sorted(again.output.splitlines()) == ["after", "before"]


def test_wrong_and_deleted_keys_are_named(cluster: dict[str, Any], start: Start) -> None:
    """A wrong secret, a key of nobody, and one that is deleted while it is used."""
    wrong = f"kafka topic produce orders --api-key {cluster['api_key']} --api-secret wrong"
    assert f'refuses the API secret of API key "{cluster["api_key"]}"' in confluent(wrong, "x\n", status=1).stderr
    nobody = confluent("kafka topic consume orders --api-key NOBODY --api-secret x", status=1)
    assert nobody.stderr.startswith(f'Error: invalid API key "NOBODY" for resource "{cluster["id"]}"\n')

    reader = start("kafka topic consume orders")
    reader.wait_for(CONSUMER_BANNER)
    confluent(f"api-key delete {cluster['api_key']} --force")

    assert reader.end() == 1
    assert f'Error: API key "{cluster["api_key"]}" was deleted\n' in reader.errors
    assert "no API key selected" in confluent("kafka topic produce orders", "x\n", status=1).stderr
