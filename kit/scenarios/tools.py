"""What labs 06 and 07 do again and again: make a topic on certain brokers, wait, write, and print each answer."""

from __future__ import annotations

import contextlib
import functools
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, TopicAlreadyExistsError

from kit.cluster import Cluster
from kit.errors import ClusterClosedError, ScenarioError
from kit.history import History
from kit.history.recording import RecordedConsumer, RecordedProducer
from kit.scenarios.clients import PATIENCE_S
from kit.scenarios.stage import mend
from kit.topics import Partition

_PAUSE_S = 0.05
_AGAIN = "Run the whole cell again."
# The first answer is what a lab wants to see. With retries kafka-python goes on asking for two minutes.
_ONE_TRY: Mapping[str, Any] = {"retries": 0, "enable_idempotence": False}


def is_running(cluster: Cluster | None) -> bool:
    """Whether there is a cluster, nobody closed it, and its process lives: for a cell that starts one if not."""
    if cluster is None:
        return False
    try:
        cluster.state()
    except ClusterClosedError:
        return False
    return True


class Tools:
    """Small tools for experiments by hand, on one cluster. Each prints or returns what Kafka answered.

    Args:
        cluster: where; its brokers may die meanwhile.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    # -- looking -------------------------------------------------------------------------------------------------------

    def partition(self, topic: str, number: int = 0) -> Partition:
        """Who leads a partition, who is in sync, and how far it is committed, now.

        Raises:
            ScenarioError: no broker knows of such a partition, or not yet.
        """
        now = self._seen(topic, number)
        if now is None:
            raise ScenarioError(f"The brokers know of no {topic}-{number}. {_AGAIN}")
        return now

    def wait_for(self, topic: str, holds: Callable[[Partition], bool], number: int = 0) -> Partition:
        """Wait until something holds for a partition, and return it as it is then.

        A partition that the broker that was asked knows nothing of, for it has just come back, is waited for as well.

        Raises:
            ScenarioError: it does not hold after 30 seconds.
        """
        give_up_s = time.monotonic() + PATIENCE_S
        while (now := self._seen(topic, number)) is None or not holds(now):
            if time.monotonic() > give_up_s:
                found = "not known to the brokers"
                if now is not None:
                    found = f"still led by {now.leader or 'nobody'}, with {list(now.isr)} in sync"
                raise ScenarioError(f"Waited {PATIENCE_S:g} s, and {topic}-{number} is {found}. {_AGAIN}")
            time.sleep(_PAUSE_S)
        return now

    def _seen(self, topic: str, number: int) -> Partition | None:
        """What the broker that is asked knows; None when it knows nothing."""
        found = self.cluster.topics([topic]).get(topic)
        return next((each for each in found.partitions if each.partition == number), None) if found else None

    @contextlib.contextmanager
    def watching(self, topic: str, number: int = 0) -> Iterator[dict[str, set[int]]]:
        """Note which brokers are asked about a partition while the block runs: "Produce" and "Fetch" requests.

        Raises:
            NotSupportedError: this cluster does not show single requests.
        """
        asked: dict[str, set[int]] = {"Produce": set(), "Fetch": set()}

        def note(request: Any) -> None:  # None lets it pass
            if (topic, number) in request.partitions:
                asked[request.api].add(request.broker_id)

        with self.cluster.on_request("Produce", note), self.cluster.on_request("Fetch", note):
            yield asked

    # -- topics --------------------------------------------------------------------------------------------------------

    def new_topic(self, topic: str, *replicas: Sequence[int], **settings: object) -> None:
        """Make a topic anew, one partition for each list of brokers, when every broker runs and every link is whole.

        A topic of this name from an earlier run of the cell is deleted first. When it is done all replicas are in sync
        and the first of each list leads.

        Args:
            settings: of the topic, with ``_`` for the dots: ``min_insync_replicas=2``.

        Raises:
            ScenarioError: the brokers refuse such a topic; the text says why.
        """
        mend(self.cluster)
        configs = {name.replace("_", "."): str(value) for name, value in settings.items()}
        wanted = {"assignments": dict(enumerate(map(list, replicas))), "configs": configs}
        with self._admin() as admin:
            [made] = admin.create_topics({topic: wanted}, raise_errors=False)["topics"]
            if made["error_code"] == TopicAlreadyExistsError.errno:  # a broker that has just come back may not list it
                self._delete(admin, topic)
                [made] = admin.create_topics({topic: wanted}, raise_errors=False)["topics"]
            if made["error_code"]:
                raise ScenarioError(f"The brokers refused the topic {topic}: {made['error_message']}")
            admin.wait_for_topics([topic])
        self.restore({topic: replicas})

    def _delete(self, admin: KafkaAdminClient, topic: str) -> None:
        """Delete a topic, and wait for the news of it: a broker that was away takes the old one for the new one."""
        admin.delete_topics([topic])
        give_up_s = time.monotonic() + PATIENCE_S
        while self._seen(topic, 0) is not None:
            if time.monotonic() > give_up_s:
                raise ScenarioError(f"Waited {PATIENCE_S:g} s, and the topic {topic} is not deleted yet. {_AGAIN}")
            time.sleep(_PAUSE_S)

    def restore(self, figure: Mapping[str, Sequence[Sequence[int]]]) -> None:
        """Mend the cluster and let the first replica of every partition lead again."""
        mend(self.cluster)
        for topic, partitions in figure.items():
            for number, replicas in enumerate(partitions):
                now = self.wait_for(topic, lambda now: set(now.isr) == set(now.replicas), number)
                if now.leader != replicas[0]:
                    self.wait_for(topic, functools.partial(self._is_led_by_the_first, topic, number), number)

    def _is_led_by_the_first(self, topic: str, number: int, now: Partition) -> bool:
        """Whether it is so now; if not, ask for an election. A broker that was not quite back leads nothing yet."""
        if now.leader == now.replicas[0]:
            return True
        with contextlib.suppress(KafkaError):
            self.elect_preferred(topic, number)
        return False

    def elect_preferred(self, topic: str, *numbers: int) -> None:
        """Ask for an election of the preferred leaders of some partitions."""
        with self._admin() as admin:
            admin.elect_leaders(0, {topic: list(numbers)})  # 0: the preferred leader

    # -- writing -------------------------------------------------------------------------------------------------------

    def write(self, topic: str, text: str, times: int, **settings: Any) -> None:
        """Send a text some times and print each answer: the first one, for there are no retries.

        Args:
            settings: of `kafka.KafkaProducer`, such as ``acks``.
        """
        with contextlib.closing(KafkaProducer(**{**self.cluster.client_settings, **_ONE_TRY, **settings})) as producer:
            for _ in range(times):
                self.send(producer, topic, text)

    def producer(self, history: History, name: str, *, brokers: Iterable[int], acks: int | str) -> RecordedProducer:
        """Make a producer that knows these brokers first, has no retries and waits 1.5 s; a history records it.

        Args:
            name: in the history, and its client id: ``cluster.cut`` knows it by that.
        """
        near = set(brokers)
        settings = {
            **self.cluster.client_settings,
            **_ONE_TRY,
            "bootstrap_servers": [broker.address for broker in self.cluster.brokers if broker.node_id in near],
            "client_id": name,
            "acks": acks,
            "request_timeout_ms": 1_500,
        }
        return RecordedProducer(KafkaProducer(**settings), history, name)

    @staticmethod
    def send(producer: Any, topic: str, text: str) -> None:
        """Send a text to partition 0 and print the answer: the offset, or the name of kafka-python's error."""
        try:
            answer = producer.send(topic, text.encode(), partition=0).get(PATIENCE_S)
        except KafkaError as error:
            print(f"{text}: {type(error).__name__}")  # noqa: T201 - it is what a lab shows
            return
        is_answered = producer.config["acks"] != 0
        told = f"acknowledged, offset {answer.offset}" if is_answered else "sent, and acks=0 asks for no answer"
        print(f"{text}: {told}")  # noqa: T201 - it is what a lab shows

    def read(self, history: History, topic: str, number: int = 0, *, offset: int = 0) -> None:
        """Read a partition from an offset to its end; a history notes who read what, and what the log holds."""
        place = TopicPartition(topic, number)
        log: list[tuple[int, Any]] = []
        with contextlib.closing(KafkaConsumer(**self.cluster.client_settings)) as client:
            consumer = RecordedConsumer(client, history, "consumer")
            consumer.assign([place])
            consumer.seek(place, offset)
            end = client.end_offsets([place])[place]
            while consumer.position(place) < end:
                found = consumer.poll(timeout_ms=200).get(place, [])
                log.extend((record.offset, record.value) for record in found)
        history.final_log(topic, number, log)

    @staticmethod
    def longest_pause_ms(history: History) -> int:
        """The longest time between two acknowledgements; 0 for fewer than two."""
        ends = sorted(each.end_ms for each in history.operations if each.action == "send" and each.end_ms is not None)
        return max((later - earlier for earlier, later in itertools.pairwise(ends)), default=0)

    def _admin(self) -> contextlib.closing[KafkaAdminClient]:
        """A new one each time: an old one may believe in brokers that have died meanwhile."""
        return contextlib.closing(KafkaAdminClient(**self.cluster.client_settings))
