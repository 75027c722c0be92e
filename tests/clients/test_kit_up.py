"""``kit up`` in a terminal of its own: reached by notebooks, outliving them, and leaving nothing. Real processes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from kafka import KafkaConsumer, KafkaProducer

import kit
from kit import service
from kit.service import folder
from tests.support.ports import free_port
from tests.support.processes import is_free, is_running
from tests.support.wait import wait_until

ROOT = Path(__file__).parents[2]
KIT = [sys.executable, "-m", "kit"]
LAST_LINE = "To end it: "
posix_only = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")


@dataclass
class Up:
    """One ``kit up`` that runs."""

    process: subprocess.Popen[str]
    said: str
    port: int

    @property
    def address(self) -> str:
        """Of its first broker."""
        return f"127.0.0.1:{self.port}"

    @property
    def family(self) -> list[int]:
        """The process and its children."""
        return [self.process.pid, *(each.pid for each in psutil.Process(self.process.pid).children(recursive=True))]


Start = Callable[..., Up]


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for temporary files, and a folder for the kit, which no other test uses."""
    place = tmp_path / "t"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KIT_CLASSROOM_PASSWORD", raising=False)
    return place


@pytest.fixture
def up(temporary: Path) -> Iterator[Start]:
    """Start ``kit up``; what still runs ends with the test."""
    with contextlib.ExitStack() as stack:

        def begin(*options: str, port: int | None = None) -> Up:
            port = free_port() if port is None else port
            process = stack.enter_context(
                subprocess.Popen(
                    [*KIT, "up", "--brokers", "1", "--port", str(port), *options],
                    cwd=ROOT,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
            )
            stack.callback(process.kill)
            return Up(process, read_to_last_line(process), port)

        yield begin
    service.clean()


def read_to_last_line(process: subprocess.Popen[str]) -> str:
    """All that it says until it is ready."""
    assert process.stdout is not None
    said = ""
    while LAST_LINE not in said:
        line = process.stdout.readline()
        assert line, f"kit up ended: {said}"
        said += line
    return said


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run another ``kit`` command to its end."""
    return subprocess.run(
        [*KIT, *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def send(address: str, value: bytes, **settings: Any) -> None:
    """Store one record."""
    producer = KafkaProducer(bootstrap_servers=address, **settings)
    try:
        producer.send("listens", value).get(20)
    finally:
        producer.close()


def first_value(address: str, **settings: Any) -> bytes:
    """The value of the first record there is."""
    consumer = KafkaConsumer(
        "listens", bootstrap_servers=address, auto_offset_reset="earliest", consumer_timeout_ms=20_000, **settings
    )
    try:
        value: bytes = next(consumer).value
        return value
    finally:
        consumer.close()


def assert_nothing_left(processes: list[int], port: int, temporary: Path) -> None:
    """Wait until no process, port or file is left."""
    for pid in processes:
        wait_until(lambda pid=pid: not is_running(pid), f"process {pid} to end")  # type: ignore[misc]
    wait_until(lambda: is_free(port), f"port {port} to be free")
    wait_until(lambda: list(temporary.iterdir()) == [], "the temporary files to go")
    assert list(folder.clusters().iterdir()) == []


def test_up_says_lines_that_work_when_they_are_copied(up: Start) -> None:
    """The Python line connects, and the shell line lists the topics."""
    running = up()
    line = re.search(r"cluster = (kit\.connect\(.*\))", running.said)
    shell = re.search(r"in a shell +python (.*)", running.said)
    assert line
    assert shell

    send(running.address, b"Clair de Lune")
    cluster = eval(line[1], {"kit": kit})
    try:
        assert list(cluster.topics()) == ["listens"]
    finally:
        cluster.close()
    listed = subprocess.run(
        [sys.executable, *shell[1].split()], capture_output=True, text=True, timeout=60, check=False
    )
    assert "listens" in listed.stdout, listed.stderr


@posix_only
def test_up_outlives_a_notebook_that_uses_it(up: Start) -> None:
    """A kernel that is killed takes nothing with it but itself."""
    running = up()
    code = f"""
import kit
from kafka import KafkaProducer
cluster = kit.connect("{running.address}")
producer = KafkaProducer(**cluster.client_settings)
producer.send("listens", b"kept").get(20)
print("sent", flush=True)
input()
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as one:
        assert one.stdout is not None
        assert one.stdout.readline() == b"sent\n"
        one.kill()

    assert first_value(running.address) == b"kept"


@posix_only
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_up_ends_in_order_on_a_signal(up: Start, temporary: Path, name: str) -> None:
    """Ctrl-C, a shutdown and a terminal that is closed end the cluster, and are no failure."""
    running = up()
    processes = running.family

    running.process.send_signal(signal.Signals[name])

    assert running.process.wait(60) == 0
    assert_nothing_left(processes, running.port, temporary)


INTERRUPTED = """
import sys, threading
import kit.service.host
def start(*_, **__):
    print("starting", flush=True)
    threading.Event().wait()
kit.service.host.start = start
from kit.console import main
sys.exit(main(["up", "--brokers", "1", "--port", sys.argv[1]]))
"""


@posix_only
@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_up_that_is_interrupted_while_it_starts_says_so(temporary: Path, name: str, status: int) -> None:
    """No cluster ever ran, so that is no success; one line tells it, and nothing is left."""
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(free_port())], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"starting\n"
        process.send_signal(signal.Signals[name])
        _, said = process.communicate(timeout=60)

    assert process.returncode == status
    assert said.decode() == f"kit: Interrupted by {name} before the cluster was ready; nothing of it runs any more.\n"
    assert list(folder.clusters().iterdir()) == []


def test_up_tells_when_a_broker_dies_and_comes_back(up: Start) -> None:
    """Whoever watches the terminal sees what somebody else does to the cluster."""
    running = up()
    cluster = service.find(f"up-{running.port}")
    assert cluster is not None
    assert running.process.stdout is not None

    cluster.ask("kill", node_id=1)
    died = running.process.stdout.readline()
    cluster.ask("restart", node_id=1)
    came_back = running.process.stdout.readline()

    assert re.fullmatch(r"\d\d:\d\d:\d\d  Broker 1 does not run any more\.\n", died)
    assert came_back.endswith("Broker 1 runs again.\n")


@posix_only
def test_up_ends_when_its_terminal_is_closed(temporary: Path) -> None:
    """The window is gone, so nobody can be told; the cluster ends all the same."""
    port = free_port()
    mine, theirs = os.openpty()
    code = "import fcntl, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); from kit.console import main; main()"
    words = ["up", "--brokers", "1", "--port", str(port)]
    with subprocess.Popen(
        [sys.executable, "-c", code, *words],
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        said = b""
        while LAST_LINE.encode() not in said:
            said += os.read(mine, 1_000)
        processes = [process.pid, *(each.pid for each in psutil.Process(process.pid).children())]
        os.close(mine)

        process.wait(60)

    assert_nothing_left(processes, port, temporary)


@posix_only
def test_killed_up_is_cleaned_by_the_next_one(up: Start, temporary: Path) -> None:
    """After kill -9 the brokers end by themselves, and the next ``kit up`` says what it removed."""
    crashed = up()
    processes = crashed.family
    crashed.process.kill()
    crashed.process.wait()
    named, unnamed = run("down", f"up-{crashed.port}"), run("down")
    assert [named.returncode, unnamed.returncode] == [1, 0]
    assert "crashed: `kit doctor --clean` removes what it left" in named.stderr
    assert f"The cluster up-{crashed.port} has crashed: `kit doctor --clean`" in unnamed.stdout

    again = up(port=crashed.port)

    assert again.said.startswith(f"Removed what the crashed cluster up-{crashed.port} had left.\n")
    assert not any(is_running(pid) for pid in processes)
    processes = again.family
    again.process.send_signal(signal.SIGINT)
    assert_nothing_left(processes, again.port, temporary)


def test_up_finds_its_data_again(up: Start, tmp_path: Path) -> None:
    """With --data the records of the first time are there the second time, at another port too."""
    first = up("--data", str(tmp_path / "data"))
    send(first.address, b"Clair de Lune")
    assert run("down").stdout == f"Ended up-{first.port}.\n"
    assert first.process.wait(60) == 0

    second = up("--data", str(tmp_path / "data"))

    assert f"kept in {tmp_path / 'data'}" in second.said
    assert first_value(second.address) == b"Clair de Lune"


def test_up_takes_settings_in_kafkas_names(up: Start) -> None:
    """--config reaches the brokers."""
    running = up("--config", "num.partitions=5")
    send(running.address, b"one")

    with contextlib.closing(kit.connect(running.address)) as cluster:
        assert len(cluster.topics()["listens"].partitions) == 5


def test_taken_port_is_a_sentence_with_the_next_step(up: Start) -> None:
    """It says who has the port when that is a cluster of the kit, and how to find out when it is not."""
    running = up()

    ours = run("up", "--brokers", "1", "--port", str(running.port))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        foreign = run("up", "--brokers", "1", "--port", str(port))

    assert [ours.returncode, foreign.returncode] == [1, 1]
    assert f"in use by the cluster up-{running.port} of process {running.process.pid}" in ours.stderr
    assert f"`kit down up-{running.port}`" in ours.stderr
    assert f"Port {port} is in use by another program" in foreign.stderr
    assert "kit up --port" in foreign.stderr


def test_taken_port_for_other_computers_is_a_sentence_too(temporary: Path) -> None:
    """It names the option that chooses another one."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run(
            "up", "--brokers", "1", "--port", str(free_port()), "--listen", f"127.0.0.1:{port}",
            KIT_CLASSROOM_PASSWORD="correct horse",
        )  # fmt: skip

    assert done.returncode == 1
    assert f"Port {port}, which --listen asks for, is in use" in done.stderr
    assert list(temporary.iterdir()) == []


@posix_only
def test_up_under_nohup_lives_on_when_its_terminal_is_closed(up: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who starts it with ``nohup`` wants it to stay."""
    monkeypatch.setattr(sys.modules[__name__], "KIT", ["nohup", *KIT])
    running = up()

    running.process.send_signal(signal.SIGHUP)
    send(running.address, b"still here")

    assert running.process.poll() is None
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(60) == 0


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--listen", "0.0.0.0"), "only come in with a password"),
        (("--listen", "0.0.0.0", "--password", "horse"), "can be read by every user"),
        (("--listen", "0.0.0.0", "--password-file", "no-such-file"), "cannot be read"),
        (("--listen", "0.0.0.0:port"), "is no address"),
        (("--user", "ann"), "--user is for --listen"),
        (("--listen", "127.0.0.1:9093"), "overlap"),
        (("--listen", "0.0.0.0", "--backend", "docker"), "not with --backend docker"),
        (("--config", "num.partitions"), "is no setting"),
        (("--brokers", "many"), "Argument --brokers: invalid int value: 'many'"),
        (("--broker", "1"), "did you mean '--brokers'"),
        (("--brokers", "0"), "--brokers 0 is not possible: choose 1 to 9"),
        (("--brokers", "10"), "--brokers 10 is not possible"),
        (("--port", "99999"), "--port 99999 cannot be the first of 3 ports: choose a number from 1024 to 65533."),
        (("--brokers", "1", "--port", "0"), "--port 0 cannot be a port"),
        (("--image", "x"), "--image is for containers: add --backend docker"),
        (("--backend", "docker", "--image", "Bad Image"), "--image Bad Image is not an image's name"),
        (("--backend", "docker", "--data", "d"), "--data works with the kit's own brokers only"),
        (("--data", __file__), "is none: name another one"),
        (("--data", f"{__file__}/deeper"), "is none: name another one"),
        (("--data", ""), "--data names no folder"),
        (("--name", "../x"), "--name: '../x' cannot be the name"),
        (("--config", "default.replication.factor=4"), "--config default.replication.factor=4: 3 broker(s) cannot"),
        (("--listen", "192.0.2.1"), "--listen 192.0.2.1 is no address of this computer"),
        (("--listen", "no..host"), "--listen no..host is no address of this computer"),
        (("--listen", "two words"), "--listen 'two words' is no address"),
        (("--listen", "127.0.0.1:65534"), "has no room for 3 brokers"),
        (("--listen", "127.0.0.1", "--advertise", "0.0.0.0"), "Nobody can connect to --advertise '0.0.0.0'"),
        (("--listen", "127.0.0.1", "--user", ""), "The name '' of a user must be"),
    ],
)
def test_up_refuses_what_makes_no_sense_and_starts_nothing(
    temporary: Path, options: tuple[str, ...], text: str
) -> None:
    """One sentence on stderr, exit status 2, and not a file made."""
    needs_no_password = {"--password", "--password-file"}.isdisjoint(options) and "come in with" not in text
    passwords = {"KIT_CLASSROOM_PASSWORD": "correct horse"} if needs_no_password else {}
    port = () if "--port" in options or text == "overlap" else ("--port", str(free_port()))

    done = run("up", *port, *options, **passwords)

    assert done.returncode == 2
    assert text in done.stderr
    assert done.stderr.count("\n") == 1
    assert not re.search(r"kit\.start|\b(data_dir|host|image|port|brokers|users)\b ?=", done.stderr)
    assert "horse" not in done.stderr + done.stdout
    assert list(temporary.iterdir()) == []
    assert not folder.home().exists()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--config", "num.partitons=3"), "num.partitons"),
        pytest.param(("--data", "/proc/kafka-data"), "choose another folder with --data", marks=posix_only),
    ],
)
def test_up_that_cannot_start_says_why_and_leaves_nothing(temporary: Path, options: tuple[str, ...], text: str) -> None:
    """One sentence on stderr, exit status 1, and nothing is left."""
    done = run("up", "--brokers", "1", "--port", str(free_port()), *options)

    assert done.returncode == 1
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert list(temporary.iterdir()) == []
    assert not folder.clusters().exists() or list(folder.clusters().iterdir()) == []


def test_classroom_lets_in_who_knows_the_password(up: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others log in with SCRAM by what it prints; the password is printed nowhere, and no child process has it."""
    monkeypatch.setenv("KIT_CLASSROOM_PASSWORD", "another horse")
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text("correct horse battery\n")
    port = free_port()
    running = up("--listen", f"127.0.0.1:{port}", "--user", "ann", "--password-file", str(secret))
    printed = re.search(r"settings = (dict\(.*?\n    \))", running.said, re.DOTALL)
    assert printed
    settings = eval(printed[1])
    assert settings["bootstrap_servers"] == f"127.0.0.1:{port}"
    assert "horse" not in running.said
    for pid in running.family[1:]:
        assert "horse" not in str(psutil.Process(pid).environ())

    send(running.address, b"from the teacher")
    address = settings.pop("bootstrap_servers")

    assert first_value(address, **{**settings, "sasl_plain_password": "correct horse battery"}) == b"from the teacher"
    with pytest.raises(kit.ConnectError):
        kit.connect(address, **{**settings, "sasl_plain_password": "wrong"})


def test_down_ends_the_one_that_is_named(up: Start, temporary: Path) -> None:
    """Without a name it asks which; a wrong name is answered with a guess."""
    first, second = up(), up()

    unclear, wrong = run("down"), run("down", f"up{first.port}")
    done = run("down", f"up-{first.port}")

    assert [unclear.returncode, wrong.returncode, done.returncode] == [1, 1, 0]
    assert "say which one" in unclear.stderr
    assert "did you mean" in wrong.stderr
    assert first.process.wait(60) == 0
    assert second.process.poll() is None
    assert run("down", "--all").returncode == 0
    assert second.process.wait(60) == 0
    assert run("down").stdout == "No cluster of `kit up` runs.\n"
    assert list(temporary.iterdir()) == []


@posix_only
def test_doctor_tells_what_runs_and_cleans_what_crashed(up: Start, temporary: Path) -> None:
    """The JSON has all a program needs; --clean removes what kill -9 left."""
    living, crashed = up(), up()
    crashed.process.kill()
    crashed.process.wait()

    report = run("doctor", "--json")
    found = json.loads(report.stdout)
    cleaned = json.loads(run("doctor", "--json", "--clean").stdout)

    assert report.returncode == 0
    assert set(found) == {"works", "summary", "findings"}
    assert found["works"] is True
    assert {frozenset(each) for each in found["findings"]} == {
        frozenset({"section", "name", "state", "text", "purpose", "command"})
    }
    states = {each["name"]: each["state"] for each in found["findings"]}
    assert states["embedded cluster"] == "ok"
    assert states[f"up-{living.port}"] == "ok"
    left = f"the cluster up-{crashed.port} ended without cleaning up"
    assert [each["command"] for each in found["findings"] if each["text"] == left] == ["kit doctor --clean"]
    assert [each["state"] for each in cleaned["findings"] if each["text"] == f"removed: {left}"] == ["ok"]
    assert [each.name for each in service.running()] == [f"up-{living.port}"]


def test_doctor_says_by_its_exit_status_that_nothing_can_start() -> None:
    """The report says why, and the status is 1."""
    broken = subprocess.run(
        [sys.executable, "-c", BROKEN], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert broken.returncode == 1
    assert "embedded cluster does not work" in broken.stdout
    assert "there is no room" in broken.stdout


BROKEN = """
import sys
import kit.cluster
from kit.errors import StartError
def start(*_, **__): raise StartError("there is no room")
kit.cluster.start = start
from kit.console import main
sys.exit(main(["doctor"]))
"""
