"""What `kit.start` refuses, and what a `Cluster` shows; the backend is played except where a refusal is the child's."""

from __future__ import annotations

import gc
import logging
import re
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from kafka.errors import KafkaConnectionError

import kit
from kit.backends import Broker
from kit.client_settings import ClientSettings
from kit.cluster import Cluster
from kit.hooks import Request, Verdict


class PlayedBackend:
    """A backend whose name and end the test decides."""

    def __init__(self, name: str = "played") -> None:
        self.name = name
        self.data_dir: str | None = None
        self.reason: str | None = None
        self.num_closed = 0
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.answers: dict[str, Any] = {}
        self.hooks: dict[int, Callable[[Mapping[str, Any]], Any]] = {}

    @property
    def client_settings(self) -> ClientSettings:
        """Their addresses."""
        return ClientSettings({"bootstrap_servers": ",".join(broker.address for broker in self.brokers())})

    def brokers(self) -> list[Broker]:
        """One broker in each state."""
        return [
            Broker(1, "127.0.0.1", 9092, is_alive=True),
            Broker(2, "<b>host</b>", 9093, is_alive=False),
            Broker(3, "127.0.0.1", 9094, is_alive=True, is_paused=True),
        ]

    def ask(self, command: str, arguments: Mapping[str, Any]) -> Any:
        """Note what was asked; answer as the test says."""
        self.asked.append((command, arguments))
        return self.answers.get(command)

    def add_hook(self, api_key: int, decide: Callable[[Mapping[str, Any]], Any]) -> int:
        """Keep it under the API's number."""
        self.hooks[api_key] = decide
        return api_key

    def remove_hook(self, number: int) -> None:
        """Forget it; a second time would be a KeyError."""
        del self.hooks[number]

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
        ({"controllers": 2}, "controllers=2 is not possible: 1 or 3.*without controllers="),
        ({"controllers": 0}, "controllers=0 is not possible"),
        ({"controllers": True}, "controllers=True is not possible"),
        ({"controllers": "3"}, "controllers='3' is not possible"),
        ({"controllers": 3.0}, "controllers=3.0 is not possible"),
        ({"port": 0}, "port=0 cannot be the first of 3"),
        ({"port": 65_534}, "65533.*leave port out"),
        ({"port": "9092"}, "port='9092' cannot"),
        ({"config": ["num.partitions"]}, "config must be a dictionary"),
        ({"config": {"num.partitions": [3]}}, r"config\['num.partitions'\] = \[3\]: a name must be text"),
        ({"config": {3: "num.partitions"}}, r"config\[3\]"),
        ({"config": {"num.partition": 3}}, "num.partition.*num.partitions"),
        ({"config": {"num.partitions": "many"}}, "num.partitions.*many"),
        ({"config": {"replica.selector.class": "RackAware"}}, "replica.selector.class.*RackAware.*LeaderSelector"),
        ({"config": {"default.replication.factor": 4}}, r"= 4: 3 broker\(s\) cannot keep.*3 or fewer"),
        ({"brokers": 1, "config": {"offsets.topic.replication.factor": "3"}}, r"= '3': 1 broker\(s\) cannot keep"),
        ({"data_dir": ""}, "data_dir is empty"),
        ({"data_dir": 5}, "data_dir=5 is not a folder's name"),
        ({"data_dir": b"data"}, "data_dir=b'data' is not a folder's name"),
        ({"data_dir": "a\0b"}, "cannot be made .*null byte"),
        ({"data_dir": "~no-such-user/data"}, "data_dir='~no-such-user/data' is not a folder's name"),
        ({"backend": "kubernetes"}, r"no backend 'kubernetes'"),
        ({"image": "apache/kafka:4.3.1"}, r'for containers.*kit\.start\("docker", image='),
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
    monkeypatch.setattr("kit.backends.child._BOOT", "import sys; sys.exit('no such luck')")

    with pytest.raises(kit.StartError, match=r"ended with status 1 while starting(.|\n)*no such luck"):
        kit.start()


def test_start_gives_up_on_a_child_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that hangs is ended, and the sentence says how long it had."""
    monkeypatch.setattr("kit.backends.child._BOOT", "import sys; sys.stdin.readline(); sys.stdin.readline()")
    monkeypatch.setattr("kit.backends.child._START_TIMEOUT_S", 0.2)

    with pytest.raises(kit.StartError, match="did not start within"):
        kit.start()


def test_bootstrap_servers_is_one_string_of_all_brokers() -> None:
    """As every client takes it."""
    assert Cluster(PlayedBackend()).bootstrap_servers == "127.0.0.1:9092,<b>host</b>:9093,127.0.0.1:9094"


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


def test_topics_where_no_broker_is_alive_says_so_at_once() -> None:
    """Nobody waits for a client that looks for brokers in vain."""

    class DeadBackend(PlayedBackend):
        def brokers(self) -> list[Broker]:
            return [Broker(7, "127.0.0.1", 9092, is_alive=False)]

    with pytest.raises(KafkaConnectionError, match=r"No broker of this cluster answers \(down: 7\).*restart\(7\)"):
        Cluster(DeadBackend()).topics()


def test_repr_tells_state_and_addresses() -> None:
    """One line says what it is, whether it runs and where."""
    cluster = Cluster(PlayedBackend())
    assert repr(cluster) == f"<Cluster played, running, brokers at {cluster.bootstrap_servers}>"

    cluster.close()
    assert "closed" in repr(cluster)


def test_html_shows_each_broker_and_escapes_everything() -> None:
    """What a backend says about itself is text, never markup."""
    shown = Cluster(PlayedBackend("<script>alert(1)</script>"))._repr_html_()
    tags = set(re.findall(r"<(\w+)", shown))

    assert tags == {"table", "caption", "thead", "tbody", "tr", "th", "td", "code"}
    assert "&lt;script&gt;" in shown
    assert "127.0.0.1:9092" in shown
    assert re.findall(r"<td>(alive|down|paused)</td>", shown) == ["alive", "down", "paused"]


@pytest.mark.parametrize(
    ("call", "command", "arguments"),
    [
        (lambda cluster: cluster.kill(1), "kill", {"node_id": 1}),
        (lambda cluster: cluster.stop(1), "stop", {"node_id": 1}),
        (lambda cluster: cluster.restart(1), "restart", {"node_id": 1}),
        (lambda cluster: cluster.pause(1), "pause", {"node_id": 1}),
        (lambda cluster: cluster.resume(1), "resume", {"node_id": 1}),
        (lambda cluster: cluster.isolate(1), "isolate", {"node_id": 1}),
        (lambda cluster: cluster.heal(), "heal", {}),
        (
            lambda cluster: cluster.cut({1}, (2, 3)),
            "cut",
            {"groups": [[1], [2, 3]], "one_way": False, "clients": None},
        ),
        (
            lambda cluster: cluster.cut([1], [2], one_way=True, clients={"me": 0}),
            "cut",
            {"groups": [[1], [2]], "one_way": True, "clients": {"me": 0}},
        ),
        (lambda cluster: cluster.slow(2, 200), "slow", {"node_id": 2, "delay_ms": 200, "jitter_ms": 0}),
        (
            lambda cluster: cluster.drop(2),
            "drop",
            {"node_id": 2, "what": "requests", "share": 1.0, "api_key": None},
        ),
        (
            lambda cluster: cluster.drop(2, "replies", share=0.5, api="Fetch"),
            "drop",
            {"node_id": 2, "what": "replies", "share": 0.5, "api_key": 1},
        ),
    ],
)
def test_fault_reaches_the_backend(call: Callable[[Cluster], None], command: str, arguments: dict[str, Any]) -> None:
    """Each method is one command; a cluster that is closed gets none."""
    backend = PlayedBackend()
    cluster = Cluster(backend)

    call(cluster)

    assert backend.asked == [(command, arguments)]
    cluster.close()
    with pytest.raises(kit.ClusterClosedError):
        call(cluster)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda cluster: cluster.cut(1, {2, 3}), r"1 is no group of brokers: write cut\(\{1\}, \{2, 3\}\)"),
        (lambda cluster: cluster.cut("1", "23"), "'1' is no group"),
        (lambda cluster: cluster.cut({1: 2}, {3}), "no group"),
        (lambda cluster: cluster.cut({1}, {2}, clients=["me"]), r"clients=\['me'\] must say"),
        (lambda cluster: cluster.cut({1}, {2}, clients={1: 0}), r"clients=\{1: 0\} must say"),
        (lambda cluster: cluster.drop(1, api="Produse"), "no API 'Produse'.*Produce"),
        (lambda cluster: cluster.on_request("Nothing", print), "no API 'Nothing'"),
        (lambda cluster: cluster.cut([[1]], [2]), r"\[1\] in a group is no broker's id"),
        (lambda cluster: cluster.cut({True}, {2}), "True in a group is no broker's id"),
        (lambda cluster: cluster.cut(b"1", {2}), "b'1' is no group"),
        (lambda cluster: cluster.cut({1}, {2}, one_way="x"), "one_way='x' is not possible: it is True or False"),
        (lambda cluster: cluster.slow(1, 1e300), r"delay_ms=1e\+300 is longer than an hour"),
        (lambda cluster: cluster.slow(1, 5, float("inf")), "jitter_ms=inf is longer than an hour"),
        (lambda cluster: cluster.slow(1, float("nan")), "delay_ms=nan is not a time"),
        (lambda cluster: cluster.slow(1, "fast"), "delay_ms='fast' is not a time"),
        (lambda cluster: cluster.timeline("x"), "since_ms='x' is not a time"),
        (lambda cluster: cluster.timeline(float("inf")), "since_ms=inf is not a time"),
        (lambda cluster: cluster.on_request("Produce", None), "None cannot be called.*lambda request"),
        (lambda cluster: cluster.on_request("Produce", "drop"), "'drop' cannot be called"),
        (lambda cluster: cluster.on_request("AlterPartition", print), "AlterPartition is what brokers.*clients only"),
        (lambda cluster: cluster.on_request(52, print), "Vote is what brokers.*clients only"),
    ],
)
def test_fault_that_makes_no_sense_is_refused(call: Callable[[Cluster], None], sentence: str) -> None:
    """What has the wrong shape never reaches the backend."""
    backend = PlayedBackend()

    with pytest.raises(kit.FaultError, match=sentence):
        call(Cluster(backend))

    assert (backend.asked, backend.hooks) == ([], {})


def test_controller_and_timeline_are_asked_for() -> None:
    """An event has its sentence."""
    backend = PlayedBackend()
    backend.answers = {
        "state": {"nodes": {}, "controller": 3},
        "timeline": [[1_700_000_000_000, "kill", 2, None, None, {}], [1_700_000_000_500, "heal", None, None, None, {}]],
    }
    cluster = Cluster(backend)

    assert cluster.controller == 3
    assert [(event.kind, event.text) for event in cluster.timeline()] == [
        ("kill", "Node 2 was killed."),
        ("heal", "The network was healed."),
    ]
    assert isinstance(cluster.timeline()[0], kit.Event)


@pytest.mark.parametrize("topic", ["__consumer_offsets", "__transaction_state", "__share_group_state"])
def test_timeline_leaves_kafkas_own_topics_out_until_asked_for(topic: str) -> None:
    """Faults and the topics of others stay, whatever they are called; whichever backend noticed it."""
    details = {"leader": 2, "leader_epoch": 1, "previous": 1, "reason": "broker 1 was fenced"}
    told = [(1, "kill", 1, None, None, {})]
    told += [(2, "leader_elected", None, name, 0, details) for name in (topic, "plays", "__mine")]
    backend = PlayedBackend()
    backend.answers = {"timeline": [list(each) for each in told]}
    cluster = Cluster(backend)

    assert [event.topic for event in cluster.timeline()] == [None, "plays", "__mine"]
    assert [event.topic for event in cluster.timeline(internal=True)] == [None, topic, "plays", "__mine"]
    assert [arguments for _, arguments in backend.asked] == [{"since_ms": 0}] * 2


def test_hook_decides_about_requests() -> None:
    """It sees what the request is about, until it is removed."""
    backend, seen = PlayedBackend(), list[Request]()
    verdicts: list[Verdict] = [None, "drop", 20, "NOT_LEADER_OR_FOLLOWER"]

    def decide(request: Request) -> Verdict:
        seen.append(request)
        return verdicts[(len(seen) - 1) % len(verdicts)]

    with Cluster(backend).on_request("produce", decide) as hook:
        described = {"broker_id": 2, "client_id": "me", "partitions": [["plays", 0]]}
        assert [backend.hooks[0](described) for _ in verdicts] == [None, "drop", 20.0, "NOT_LEADER_OR_FOLLOWER"]
        assert repr(hook) == "<RequestHook on Produce, asked about 4>"
        backend.hooks[0]({**described, "acks": -1})

    assert seen[0] == Request("Produce", 2, "me", (("plays", 0),))
    assert [each.acks for each in seen] == [None] * 4 + [-1]
    hook.remove()
    assert (backend.hooks, repr(hook), hook.error) == ({}, "<RequestHook on Produce, removed>", None)


@pytest.mark.parametrize("verdict", ["lose", "NONE", "", -1, float("nan"), True, ["drop"], ZeroDivisionError("mine")])
def test_hook_that_fails_lets_the_request_through(verdict: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A mistake of the function must not look like a fault of the network; it is told."""
    backend = PlayedBackend()

    def decide(request: Request) -> Verdict:
        if isinstance(verdict, Exception):
            raise verdict
        return verdict  # type: ignore[no-any-return]

    hook = Cluster(backend).on_request(0, decide)
    with caplog.at_level(logging.ERROR):
        assert backend.hooks[0]({"broker_id": 1, "client_id": None, "partitions": []}) is None

    assert hook.error is not None
    assert "on_request('Produce') failed" in caplog.text
    if not isinstance(verdict, Exception):
        assert isinstance(hook.error, kit.FaultError)
        assert "milliseconds of delay" in str(hook.error)


def test_unknown_public_name_lists_the_known_ones() -> None:
    """A slip in a notebook is answered by what there is."""
    with pytest.raises(AttributeError, match=r"no 'strat'.*start"):
        _ = kit.strat
    assert set(dir(kit)) >= {"start", "Cluster", "KitError"}


@pytest.mark.parametrize("name", kit.__all__)
def test_public_names_are_there(name: str) -> None:
    """Each name that the package lists can be had."""
    assert getattr(kit, name) is not None


def test_state_tells_nodes_and_links() -> None:
    """Ids that came as text are numbers again, and a backend that knows of no links has none that are broken."""
    backend = PlayedBackend()
    links = {"cut": [[1, 2], [2, 1]], "slow": [[3, 20, 0]], "texts": ["The network is cut: {1} from {2}."]}
    backend.answers["state"] = {"nodes": {"1": "up", "2": "paused", "101": "down"}, "controller": 1, "links": links}
    state = Cluster(backend).state()

    assert (state.nodes, state.controller) == ({1: "alive", 2: "paused", 101: "down"}, 1)
    assert (state.cut, state.slow_ms) == (frozenset({(1, 2), (2, 1)}), {3: (20, 0)})
    assert state.faults == ("The network is cut: {1} from {2}.",)


def test_state_of_a_cluster_that_only_tells_its_controller_is_that_of_its_brokers() -> None:
    """So it is with a cluster that somebody else runs."""
    backend = PlayedBackend()
    backend.answers["state"] = {"controller": None}
    state = Cluster(backend).state()

    assert state.nodes == {1: "alive", 2: "down", 3: "paused"}
    assert (state.controller, state.cut, state.faults) == (None, frozenset(), ())
