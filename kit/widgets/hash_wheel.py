"""The hash wheel: a key, its hash in two clients, and the partition; and which keys move when partitions are added."""

from __future__ import annotations

from collections import deque
from typing import Any

import traitlets

from kit.lessons.partition_choice import CRC32, HASHES, MURMUR2, choice, moved, partition_of, sample_keys
from kit.widgets._assets import script, style
from kit.widgets._background import Background, ClusterLike, Link
from kit.widgets._sending import Order, Outcome, Sender
from kit.widgets._text_twin import TextTwin

MAX_PARTITIONS = 24
MAX_KEY_CHARS = 500
_LOOK_S = 0.1
_SAMPLE = tuple(sample_keys())
_WHO = {MURMUR2: "Java and kafka-python", CRC32: "librdkafka: C, Go, .NET, confluent-kafka, the Confluent CLI"}
_NO_KEY = "There is no key: nothing is hashed, and the client chooses as it likes."


class HashWheel(TextTwin):
    """Two wheels with a sector for each partition: where a key goes with murmur2, and where with CRC32.

    The dots are 200 sample keys. Those that get another partition when the number changes are crosses.

    Args:
        cluster: where the wheel's buttons send a record with the key; None for a wheel without buttons.
        topic: that they send to.
        key: what the wheel begins with; an empty one is no key.
        partitions: of the wheel, 1 to 24. A topic may have another number, and the wheel says so.
        before: what the number is compared with; None for the same.
    """

    _esm = script("hash_wheel")
    _css = style("hash_wheel")
    # Of the class: a widget whose arguments are refused is closed without ever having been made.
    _background: Background | None = None

    key = traitlets.Unicode().tag(sync=True)
    partitions = traitlets.Int(6).tag(sync=True)
    before = traitlets.Int(6).tag(sync=True)
    topic = traitlets.Unicode().tag(sync=True)
    picture = traitlets.Dict().tag(sync=True)
    said = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        cluster: ClusterLike | None = None,
        topic: str = "",
        *,
        key: str = "ana",
        partitions: int = 6,
        before: int | None = None,
    ) -> None:
        before = partitions if before is None else before
        super().__init__(key=key, partitions=partitions, before=before, topic=topic if cluster is not None else "")
        self._orders: deque[tuple[str, str]] = deque()
        self._draw()
        self.observe(self._draw, ["key", "partitions", "before"])
        self.on_msg(self._heard)
        if cluster is not None:
            self._link = Link(cluster)
            self._background = Background(self._run, self._failed, self._link, name=f"hash wheel for {topic}")

    @traitlets.validate("partitions", "before")
    def _number(self, proposal: Any) -> int:
        return min(max(int(proposal["value"]), 1), MAX_PARTITIONS)

    @traitlets.validate("key")
    def _short(self, proposal: Any) -> str:
        # A lone surrogate, which a browser can send, has no UTF-8.
        return str(proposal["value"])[:MAX_KEY_CHARS].encode("utf-8", "replace").decode()

    @property
    def alive(self) -> bool:
        """Whether its buttons still reach a cluster."""
        return self._background is not None and self._background.alive

    def send(self, hash_name: str = MURMUR2) -> None:
        """Send a record with the key as the client with that hash would; the answer appears in the wheel."""
        self._order(hash_name, self.key)

    def close(self) -> None:
        """End what runs behind the wheel and remove it."""
        if self._background is not None:
            self._background.stop()
        super().close()

    def __str__(self) -> str:
        lines = [
            f"{each['name']} ({each['who']}): {each['arithmetic']}" if self.key else f"{each['name']}: {_NO_KEY}"
            for each in self.picture["clients"]
        ]
        return "\n".join([f"Key {self.key!r}, {self.partitions} partitions", *lines, self.picture["sentence"]])

    def _draw(self, _change: object = None) -> None:
        self.picture = _picture(self.key, self.partitions, self.before)

    def _heard(self, _widget: object, content: Any, _buffers: object) -> None:
        if isinstance(content, dict) and content.get("type") == "send" and content.get("hash") in HASHES:
            # What was typed last may still be on its way; the click brings it along.
            self._order(content["hash"], str(content.get("key", self.key))[:MAX_KEY_CHARS])

    def _order(self, hash_name: str, key: str) -> None:
        if self.alive:
            self._orders.append((hash_name, key))
        elif self._background is None:
            self._say(Outcome(False, "This wheel has no cluster: HashWheel(cluster, topic)."))
        else:
            self._say(Outcome(False, self.said["text"]))

    def _say(self, outcome: Outcome) -> None:
        # Numbered, because the browser hears of changes only, and the same answer may come twice.
        self.said = {"number": self.said.get("number", 0) + 1, "done": outcome.acknowledged, "text": outcome.text}

    def _run(self, background: Background) -> None:
        sender = Sender(self._link.client_settings)
        try:
            while background.goes_on(_LOOK_S):
                while self._orders:
                    hash_name, key = self._orders.popleft()
                    outcome = self._deliver(sender, hash_name, key)
                    client = "kafka-python" if hash_name == MURMUR2 else "librdkafka"
                    sent = f"The key {key!r}" if key else "Without a key"
                    self._say(Outcome(outcome.acknowledged, f"{sent}, as {client} sends it. {outcome.text}"))
        finally:
            sender.close()

    def _deliver(self, sender: Sender, hash_name: str, key: str) -> Outcome:
        order = Order(self.topic, value=f"sent from the hash wheel as {hash_name} would", key=key)
        if hash_name == MURMUR2 or not key:  # kafka-python's own way
            return self._compared(sender.send(order), sender)
        from kafka.errors import KafkaError

        try:
            num_partitions = len(sender.partitions(self.topic))
        except KafkaError:
            num_partitions = 0
        if num_partitions:
            order = Order(self.topic, order.value, key, partition=partition_of(key.encode(), num_partitions, CRC32))
        return self._compared(sender.send(order), sender)

    def _compared(self, outcome: Outcome, sender: Sender) -> Outcome:
        if not outcome.acknowledged:
            return outcome
        number = len(sender.partitions(self.topic))
        if number == self.partitions:
            return outcome
        return Outcome(True, f"{outcome.text} {self.topic} has {number} partitions, the wheel shows {self.partitions}.")

    def _failed(self, reason: str) -> None:
        self._say(Outcome(False, f"Nothing can be sent any more. {reason}"))


def _picture(key: str, partitions: int, before: int) -> dict[str, Any]:
    clients = [_client(name, key.encode("utf-8", "replace"), partitions, before) for name in HASHES]
    return {
        "asked": [key, partitions, before],
        "clients": clients,
        "sentence": _sentence(partitions, before, [each["moved"].count("1") for each in clients]),
        "no_key": "" if key else _NO_KEY,
    }


def _client(name: str, key: bytes, partitions: int, before: int) -> dict[str, Any]:
    chosen = choice(key, partitions, name)
    movers = set(moved(_SAMPLE, before, partitions, name))
    return {
        "name": name,
        "who": _WHO[name],
        "hash": f"{chosen.hash_value:#010x}",
        "arithmetic": chosen.arithmetic,
        "partition": chosen.partition if key else None,
        "sample": [partition_of(each, partitions, name) for each in _SAMPLE],
        "moved": "".join("1" if each in movers else "0" for each in _SAMPLE),
    }


def _sentence(partitions: int, before: int, num_moved: list[int]) -> str:
    total = len(_SAMPLE)
    if partitions == before:
        return f"The dots are {total} sample keys. Change the number of partitions and see which of them move."
    told = " and ".join(
        f"{number} of {total} ({100 * number / total:.0f} %) with {name}"
        for name, number in zip(HASHES, num_moved, strict=True)
    )
    return f"From {before} to {partitions} partitions, keys that move: {told}."
