"""What `kit.start` refuses, and what a `Cluster` shows; the backend is played except where a refusal is the child's."""

from __future__ import annotations

import gc
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import kit
from kit.backends import Broker
from kit.cluster import Cluster


class PlayedBackend:
    """A backend whose name and end the test decides."""

    def __init__(self, name: str = "played") -> None:
        self.name = name
        self.data_dir: str | None = None
        self.reason: str | None = None
        self.num_closed = 0

    def brokers(self) -> list[Broker]:
        """Two brokers."""
        return [Broker(1, "127.0.0.1", 9092, is_alive=True), Broker(2, "<b>host</b>", 9093, is_alive=False)]

    def why_gone(self) -> str | None:
        """What the test says."""
        return self.reason

    def close(self) -> None:
        """Count."""
        self.num_closed += 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"brokers": 0}, "at least one broker.*try brokers=3"),
        ({"brokers": -2}, "at least one broker.*try brokers=3"),
        ({"brokers": 10}, "brokers=10 is too many.*9 is the most"),
        ({"brokers": "3"}, "brokers='3' is not a whole number"),
        ({"brokers": 2.0}, "brokers=2.0 is not a whole number"),
        ({"brokers": True}, "brokers=True is not a whole number"),
        ({"port": 0}, "port=0 cannot be the first of 3"),
        ({"port": 65_534}, "65533.*leave port out"),
        ({"port": "9092"}, "port='9092' cannot"),
        ({"config": ["num.partitions"]}, "config must be a dictionary"),
        ({"config": {"num.partitions": [3]}}, r"config\['num.partitions'\] = \[3\]: a name must be text"),
        ({"config": {3: "num.partitions"}}, r"config\[3\]"),
        ({"config": {"num.partition": 3}}, "num.partition.*num.partitions"),
        ({"config": {"num.partitions": "many"}}, "num.partitions.*many"),
        ({"data_dir": ""}, "data_dir is empty"),
        ({"data_dir": 5}, "data_dir=5 is not a folder's name"),
        ({"data_dir": b"data"}, "data_dir=b'data' is not a folder's name"),
        ({"data_dir": "a\0b"}, "cannot be made .*null byte"),
        ({"data_dir": "~no-such-user/data"}, "data_dir='~no-such-user/data' is not a folder's name"),
        ({"backend": "docker"}, r'later version.*kit\.start\("embedded"\)'),
        ({"backend": "kubernetes"}, r"no backend 'kubernetes'"),
    ],
    ids=str,
)
def test_start_refuses_with_a_reason_and_a_way_out(arguments: dict[str, Any], sentence: str) -> None:
    """Every argument that cannot be is answered by a sentence that says what to do instead."""
    with pytest.raises(kit.StartError, match=sentence) as refusal:
        kit.start(**arguments)
    assert "Traceback" not in str(refusal.value)


def test_start_names_the_busy_port() -> None:
    """The port that another program listens on is named."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(kit.StartError, match=rf"Port {port} is in use already.*leave port out"):
            kit.start(port=port, brokers=2)


def test_start_on_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A file where the folder should be is named."""
    (tmp_path / "file").write_text("in the way")

    for data_dir in [tmp_path / "file", tmp_path / "file" / "below"]:
        with pytest.raises(kit.StartError, match=r"file.* cannot be made .*choose another data_dir"):
            kit.start(brokers=1, data_dir=data_dir)


def test_start_on_a_folder_in_use(tmp_path: Path) -> None:
    """The folder of a running cluster is refused, and free again once that is closed."""
    in_use = pytest.raises(kit.StartError, match=r"in use by a running cluster \(process \d+\).*close\(\)")
    with kit.start(brokers=1, data_dir=tmp_path), in_use:
        kit.start(brokers=1, data_dir=tmp_path)
    with kit.start(brokers=1, data_dir=tmp_path) as again:
        assert again.topics() == {}


def test_start_with_fewer_brokers_than_the_folder_has(tmp_path: Path) -> None:
    """A folder of two brokers cannot be served by one."""
    kit.start(brokers=2, data_dir=tmp_path).close()

    with pytest.raises(kit.StartError, match=r"data of 2 brokers.*brokers=2"):
        kit.start(brokers=1, data_dir=tmp_path)


def test_start_on_a_given_port() -> None:
    """port=N means N for the first broker."""
    with kit.start(brokers=1) as cluster:
        free = cluster.brokers[0].port
    with kit.start(brokers=1, port=free) as cluster:
        assert cluster.bootstrap_servers == f"127.0.0.1:{free}"
        assert [(broker.node_id, broker.port) for broker in cluster.brokers] == [(1, free)]


def test_start_says_why_the_child_died(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that ends before it answers is reported with its last words."""
    monkeypatch.setattr("kit.backends.embedded._BOOT", "import sys; sys.exit('no such luck')")

    with pytest.raises(kit.StartError, match=r"ended with status 1 while starting(.|\n)*no such luck"):
        kit.start()


def test_start_gives_up_on_a_child_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that hangs is ended, and the sentence says how long it had."""
    monkeypatch.setattr("kit.backends.embedded._BOOT", "import sys; sys.stdin.readline(); sys.stdin.readline()")
    monkeypatch.setattr("kit.backends.embedded._START_TIMEOUT_S", 0.2)

    with pytest.raises(kit.StartError, match="did not start within"):
        kit.start()


def test_bootstrap_servers_is_one_string_of_all_brokers() -> None:
    """As every client takes it."""
    assert Cluster(PlayedBackend()).bootstrap_servers == "127.0.0.1:9092,<b>host</b>:9093"


def test_close_happens_once_however_it_comes_about() -> None:
    """close(), the with block and the garbage collector add up to one."""
    backend = PlayedBackend()
    with Cluster(backend) as cluster:
        cluster.close()
    del cluster
    gc.collect()

    assert backend.num_closed == 1


def test_garbage_collected_cluster_closes_its_backend() -> None:
    """Nobody has to remember close()."""
    backend = PlayedBackend()
    Cluster(backend)
    gc.collect()

    assert backend.num_closed == 1


def test_topics_of_a_cluster_that_is_gone() -> None:
    """The backend's reason comes with what to do next."""
    backend = PlayedBackend()
    cluster = Cluster(backend)
    backend.reason = "The power failed."

    with pytest.raises(kit.ClusterClosedError, match=r"The power failed\.\n.*kit\.start\(\)"):
        cluster.topics()
    assert "gone" in repr(cluster)


def test_repr_tells_state_and_addresses() -> None:
    """One line says what it is, whether it runs and where."""
    cluster = Cluster(PlayedBackend())
    assert repr(cluster) == "<Cluster played, running, brokers at 127.0.0.1:9092,<b>host</b>:9093>"

    cluster.close()
    assert "closed" in repr(cluster)


def test_html_shows_each_broker_and_escapes_everything() -> None:
    """What a backend says about itself is text, never markup."""
    shown = Cluster(PlayedBackend("<script>alert(1)</script>"))._repr_html_()
    tags = set(re.findall(r"<(\w+)", shown))

    assert tags == {"table", "caption", "thead", "tbody", "tr", "th", "td", "code"}
    assert "&lt;script&gt;" in shown
    assert "127.0.0.1:9092" in shown


def test_unknown_public_name_lists_the_known_ones() -> None:
    """A slip in a notebook is answered by what there is."""
    with pytest.raises(AttributeError, match=r"no 'strat'.*start"):
        _ = kit.strat
    assert set(dir(kit)) >= {"start", "Cluster", "KitError"}


@pytest.mark.parametrize("name", ["Cluster", "ClusterClosedError", "KitError", "StartError", "check", "start"])
def test_public_names_are_there(name: str) -> None:
    """Each name that the package lists can be had."""
    found: Callable[..., Any] = getattr(kit, name)
    assert found.__name__ == name
