"""The state in its file: shared by terminals, never half written, never readable by others."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from kit.practice.errors import CliError
from kit.practice.state import ApiKey, Environment, KafkaCluster, State
from kit.practice.store import Store
from tests.support.practice import PracticeCli

ADD_ENVIRONMENTS = """
import sys
from pathlib import Path
from kit.practice.state import Environment
from kit.practice.store import Store

store = Store(Path(sys.argv[1]))
for number in range(25):
    with store.change() as state:
        name = f"env-{sys.argv[2]}{number}"
        state.environments[name] = Environment(name, name)
"""


def test_state_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """Every piece of it is in the file."""
    key = ApiKey("KEY", "lkc-1", "day 2", "u-1", "a@b", "2026-11-25T10:00:00Z", "secret", "secret")
    with Store(tmp_path).change() as state:
        state.login, state.user, state.current_environment = "a@b", "u-1", "env-1"
        state.environments["env-1"] = Environment("env-1", "day2", current_cluster="lkc-1")
        state.clusters["lkc-1"] = KafkaCluster("lkc-1", "msds682", "env-1", "gcp", "us-west1", admin_secret="x")
        state.api_keys["KEY"] = key

    assert Store(tmp_path).read() == state


def test_changes_of_two_processes_are_never_lost(tmp_path: Path) -> None:
    """Two terminals that change the state at once both find their changes in it."""
    writers = [
        subprocess.Popen([sys.executable, "-c", ADD_ENVIRONMENTS, str(tmp_path), letter]) for letter in ("a", "b")
    ]

    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert len(Store(tmp_path).read().environments) == 50


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps others out by the folder's own rights")
def test_state_is_for_its_owner_only(tmp_path: Path) -> None:
    """Secrets are in it."""
    store = Store(tmp_path)
    with store.change() as state:
        state.login = "a@b"

    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((store.folder / "state.json").stat().st_mode) == 0o600


def test_change_that_fails_changes_nothing(tmp_path: Path) -> None:
    """A command that is refused halfway leaves the state as it was, and the lock free."""
    store = Store(tmp_path)

    def fail() -> None:
        with store.change() as state:
            state.login = "a@b"
            raise CliError("no")

    with pytest.raises(CliError, match="no"):
        fail()

    assert store.read() == State()
    assert [path.name for path in store.folder.iterdir()] == ["locks"]


def test_lock_that_another_has_is_waited_for_in_vain_with_a_sentence(tmp_path: Path) -> None:
    """Nobody waits for ever."""
    store = Store(tmp_path)

    with store.lock("lkc-1"), pytest.raises(CliError, match='working on "lkc-1"'), store.lock("lkc-1", patience_s=0):
        pytest.fail("two have the lock")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "line 1 is no JSON"),
        ("[]", "it holds no JSON object"),
        ("{}", "its version is missing"),
        ('{"version": 999}', "written by a newer version of the kit"),
        ('{"version": 1, "login": 5}', "login is no text"),
        ('{"version": 1, "environments": []}', "environments is no JSON object"),
        ('{"version": 1, "environments": {"env-1": {"id": "env-1"}}}', "environments/env-1/name is missing"),
        ('{"version": 1, "clusters": {"lkc-1": 5}}', "clusters/lkc-1 is no JSON object"),
        ("\udcff", "it is no text\n"),
        ("1" * 5_000, "it is not what the practice CLI writes\n"),
    ],
)
def test_damaged_state_is_refused_with_the_way_out(cli: PracticeCli, text: str, reason: str) -> None:
    """The sentence names the file, what is wrong with it, and the command that starts anew."""
    (cli.store.folder / "state.json").write_bytes(text.encode("utf-8", "surrogateescape"))

    result = cli("environment list")

    assert result.status == 1
    assert str(cli.store.folder / "state.json") in result.err
    assert reason in result.err
    assert "`confluent practice reset`" in result.err


def test_reset_starts_anew_although_the_state_is_damaged(day2: PracticeCli) -> None:
    """Clusters that run are ended, and everything is removed."""
    cluster = day2.cluster
    (day2.store.folder / "state.json").write_text("{")

    assert day2("practice reset", stdin="n\n").status == 0
    assert day2.services.find(cluster) is not None
    out = day2.ok("practice reset", stdin="y\n")

    assert out.endswith("Ended 1 practice cluster(s) and removed their data. Begin with `confluent login`.\n")
    assert day2.services.ended == [cluster]
    assert not day2.store.folder.exists()


def test_state_without_later_additions_is_read(tmp_path: Path) -> None:
    """A field with a default may be missing, so that older files stay good."""
    store = Store(tmp_path)
    with store.change() as state:
        state.environments["env-1"] = Environment("env-1", "day2")
    file = store.folder / "state.json"
    data = json.loads(file.read_text())
    del data["environments"]["env-1"]["stream_governance_package"], data["api_keys"]
    file.write_text(json.dumps(data))

    assert store.read() == state


def test_secrets_are_in_no_repr() -> None:
    """A traceback or a log never shows them."""
    key = ApiKey("KEY", "lkc-1", "", "u-1", "a@b", "now", "s3cret", "s3cret")
    cluster = KafkaCluster("lkc-1", "n", "env-1", "gcp", "us-west1", admin_secret="s3cret")

    assert "s3cret" not in repr(State(clusters={"lkc-1": cluster}, api_keys={"KEY": key}))


def test_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    """A file is in the way."""
    home = tmp_path / "home"
    home.write_text("")

    result = PracticeCli(home)("login")

    assert result.status == 1
    assert "cannot use the folder" in result.err
    assert "KIT_HOME" in result.err
