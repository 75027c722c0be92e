"""Clusters in a process of their own: started, found, asked, ended, and cleaned up after a crash. Real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from kit import service
from kit.errors import ClusterClosedError, FaultError, KitError, StartError
from kit.service import Service, folder
from tests.support.processes import is_free, is_running
from tests.support.wait import wait_until
from tests.unit.service.test_folder import record

ROOT = Path(__file__).parents[3]
ONE: dict[str, Any] = {"backend": "embedded", "brokers": 1}
needs_signals = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")


def brokers_of(running: Service) -> psutil.Process:
    """The child of the service that runs its brokers."""
    return psutil.Process(running.pid).children()[0]


def assert_nothing_left(running: Service, brokers: psutil.Process) -> None:
    """Wait until no process, port or file of a service is left."""
    wait_until(lambda: not is_running(running.pid), "the service to end")
    wait_until(lambda: not is_running(brokers.pid), "its brokers to end")
    assert is_free(int(running.bootstrap_servers.rpartition(":")[2]))
    assert running.data_dir is not None
    assert not Path(running.data_dir).exists()
    assert list(folder.clusters().glob(f"{running.name}*")) == []


@pytest.mark.portable
def test_service_is_found_and_asked_by_others() -> None:
    """What is started is found by name and kind, tells its state, and obeys."""
    started = service.start("lab", {"backend": "embedded", "brokers": 2}, kind="practice")

    found = service.find("lab")
    assert found is not None
    assert [found.name, found.kind, found.pid] == ["lab", "practice", started.pid]
    assert [each.name for each in service.running("practice")] == ["lab"]
    assert service.running("up") == []
    found.ask("kill", node_id=2)
    status = found.ask("status")
    assert [each["is_alive"] for each in status["brokers"]] == [True, False]
    assert status["bootstrap_servers"] == found.bootstrap_servers


def test_close_leaves_nothing_behind() -> None:
    """The process, its brokers, ports and files are gone when close returns, and close may be repeated."""
    started = service.start("lab", ONE, kind="practice")
    brokers = brokers_of(started)

    started.close()

    assert_nothing_left(started, brokers)
    assert service.find("lab") is None
    started.close()
    with pytest.raises(ClusterClosedError, match="'lab' does not run any more"):
        started.ask("status")


def test_refusals_have_the_class_that_a_cluster_raises() -> None:
    """A fault that cannot be made is a FaultError here too, and the cluster goes on."""
    started = service.start("lab", ONE, kind="practice")

    with pytest.raises(FaultError, match="no node 9"):
        started.ask("kill", node_id=9)
    with pytest.raises(KitError, match="no command 'nonsense'"):
        started.ask("nonsense")
    assert started.is_running


def test_service_outlives_the_process_that_started_it() -> None:
    """A notebook that is killed takes no service with it."""
    code = (
        "from kit import service; service.start('lab', {'brokers': 1}, kind='up'); print('ready', flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as one:
        assert one.stdout is not None
        assert one.stdout.readline() == b"ready\n"
        one.kill()

    found = service.find("lab")
    assert found is not None
    assert found.ask("status")["pid"] == found.pid


def test_second_service_of_a_name_is_refused() -> None:
    """The first goes on, and the sentence says how to end it."""
    first = service.start("lab", ONE, kind="practice")

    with pytest.raises(StartError, match=rf"'lab' runs already \(process {first.pid}\).*kit down lab"):
        service.start("lab", ONE, kind="practice")
    assert first.ask("status")["name"] == "lab"


def test_one_wins_when_two_start_the_same_name_at_once() -> None:
    """The other one gets a sentence, and nothing of it is left."""
    outcomes: list[Service | StartError] = []

    def attempt() -> None:
        try:
            outcomes.append(service.start("lab", ONE, kind="practice"))
        except StartError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=attempt) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(type(each).__name__ for each in outcomes) == ["Service", "StartError"]
    assert [each.name for each in service.running()] == ["lab"]


@pytest.mark.portable
@needs_signals
def test_killed_service_is_not_running_and_is_cleaned_up() -> None:
    """After kill -9 it counts as gone; clean removes its files, waits for its brokers, and names it."""
    started = service.start("lab", ONE, kind="practice")
    brokers = brokers_of(started)
    os.kill(started.pid, signal.SIGKILL)
    wait_until(lambda: not started.is_running, "the service to die")

    assert service.find("lab") is None
    assert service.clean() == ["lab"]
    assert_nothing_left(started, brokers)
    assert service.clean() == []


@needs_signals
def test_brokers_that_hang_after_their_service_died_are_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Brokers that stand still cannot see that their service is gone; clean ends them, and only them."""
    monkeypatch.setattr("kit.service.left_overs._BROKERS_END_S", 0.1)
    started = service.start("lab", ONE, kind="practice")
    brokers = brokers_of(started)
    brokers.suspend()
    os.kill(started.pid, signal.SIGKILL)
    wait_until(lambda: not started.is_running, "the service to die")

    assert service.clean() == ["lab"]
    assert_nothing_left(started, brokers)


@needs_signals
def test_name_of_a_crashed_service_can_be_used_again() -> None:
    """What the dead one left is removed on the way."""
    crashed = service.start("lab", ONE, kind="practice")
    brokers = brokers_of(crashed)
    os.kill(crashed.pid, signal.SIGKILL)
    wait_until(lambda: not crashed.is_running, "the service to die")

    again = service.start("lab", ONE, kind="practice")

    assert again.pid != crashed.pid
    assert not is_running(brokers.pid)
    assert not Path(crashed.data_dir or "").exists()


@needs_signals
def test_terminated_service_cleans_up_itself() -> None:
    """SIGTERM is an orderly end, as when the computer shuts down."""
    started = service.start("lab", ONE, kind="practice")
    brokers = brokers_of(started)

    os.kill(started.pid, signal.SIGTERM)

    assert_nothing_left(started, brokers)


@needs_signals
def test_service_whose_brokers_died_ends_too() -> None:
    """No process is left that stands for a cluster that is gone."""
    started = service.start("lab", ONE, kind="practice")
    brokers = brokers_of(started)

    brokers.kill()

    wait_until(lambda: not is_running(started.pid), "the service to notice")
    assert_nothing_left(started, brokers)


@needs_signals
def test_service_that_hangs_is_killed_by_close(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that answers nothing is ended by force, and cleaned up after."""
    monkeypatch.setattr("kit.service.service._CLOSE_TIMEOUT_S", 0.1)
    monkeypatch.setattr("kit.service.channel._PATIENCE_S", 1)
    started = service.start("lab", ONE, kind="practice")
    brokers = brokers_of(started)
    psutil.Process(started.pid).suspend()

    with pytest.raises(KitError, match=r"does not answer .*kit down lab"):
        started.ask("status")
    started.close()

    assert_nothing_left(started, brokers)


def test_recycled_process_id_is_not_taken_for_a_service() -> None:
    """A file that names a living process, which is another one, is a left-over and no service."""
    folder.made_clusters()
    record("old", pid=os.getpid()).write()

    assert service.find("old") is None
    assert service.running() == []
    assert service.clean() == ["old"]
    assert is_running(os.getpid())


def test_clean_spares_what_runs_and_what_is_not_temporary(tmp_path: Path) -> None:
    """A living service stays, and so does data that somebody wanted to keep."""
    kept = tmp_path / "kafka-kit-mine"
    kept.mkdir()
    living = service.start("living", ONE, kind="practice")
    record("dead", data_dir=str(kept), is_temporary=False).write()

    assert service.clean() == ["dead"]
    assert kept.exists()
    assert living.ask("status")["name"] == "living"


@pytest.mark.portable
@pytest.mark.parametrize("suffixes", [("json",), ("lock",), ("json", "lock", "log")])
def test_service_whose_files_were_removed_is_found_again(suffixes: tuple[str, ...]) -> None:
    """A living process puts its notes back, and can be ended by them."""
    started = service.start("lab", ONE, kind="practice")
    brokers = brokers_of(started)
    for suffix in suffixes:
        folder.path_of("lab", suffix).unlink()

    wait_until(lambda: folder.path_of("lab", "json").exists() and started.is_running, "the notes to come back")
    assert [each.pid for each in service.running()] == [started.pid]
    started.close()

    assert_nothing_left(started, brokers)


@needs_signals
def test_crashed_service_with_a_damaged_record_is_cleaned_up() -> None:
    """The copy in the lock's file tells what it left."""
    started = service.start("lab", ONE, kind="practice")
    brokers = brokers_of(started)
    psutil.Process(started.pid).suspend()  # so that it puts nothing back
    folder.path_of("lab", "json").write_text("{")
    os.kill(started.pid, signal.SIGKILL)
    wait_until(lambda: not started.is_running, "the service to die")

    assert service.clean() == ["lab"]
    assert_nothing_left(started, brokers)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"brokers": 0}, "at least one broker"),
        ({"backend": "cloud"}, "no backend 'cloud'"),
        ({"brokrs": 3}, "no settings of kit.start: .*brokrs"),
        ({"brokers": 1, "config": {"no.such.setting": 1}}, "no.such.setting"),
        ({"brokers": 1, "listeners": [{"protocol": "SSL"}]}, "no settings of kit.start: .*protocol"),
        ({"brokers": object()}, "no plain one"),
    ],
)
def test_settings_that_make_no_sense_are_refused_in_a_sentence(settings: dict[str, Any], text: str) -> None:
    """The reason comes from where the cluster would have started, and nothing is left there."""
    with pytest.raises(StartError, match=text) as refused:
        service.start("lab", settings, kind="practice")

    assert "Traceback" not in str(refused.value)
    assert list(folder.clusters().iterdir()) == []


def test_data_folder_is_the_starters_own_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative folder means the one beside whoever asked, and it is there when the service has ended."""
    monkeypatch.chdir(tmp_path)
    started = service.start("lab", {**ONE, "data_dir": "logs"}, kind="practice")
    started.close()

    assert started.data_dir == str(tmp_path / "logs")
    assert (tmp_path / "logs" / "broker-1").is_dir()


def test_interrupted_start_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C while it starts ends what was started."""
    code = """
        from concurrent.futures import Future
        from kit import service
        def interrupted(self, timeout=None): raise KeyboardInterrupt
        Future.result = interrupted
        try:
            service.start("lab", {"brokers": 1}, kind="up")
        except KeyboardInterrupt:
            print("interrupted", service.running())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout == "interrupted []\n", done.stderr
    service.clean()
    wait_until(lambda: list(tmp_path.glob("kafka-kit-*")) == [], "the brokers' folder to go")


def test_passwords_are_in_no_argument_list_and_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """They reach the process over a pipe, and stay in its memory."""
    temporary = tmp_path / "t"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("TMPDIR", str(temporary))
    listener = {"security_protocol": "SASL_PLAINTEXT", "users": {"ann": "correct horse battery"}}
    started = service.start("lab", {**ONE, "listeners": [listener]}, kind="practice")
    started.ask("set_user", name="bob", password="staple of a horse")

    lines = [" ".join(each.cmdline()) for each in (psutil.Process(started.pid), brokers_of(started))]
    files = [path for place in (folder.home(), temporary) for path in place.rglob("*") if path.is_file()]
    texts = lines + [path.read_bytes().decode("latin-1") for path in files]
    assert files
    assert [text for text in texts if "horse" in text] == []
