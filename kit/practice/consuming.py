"""``confluent kafka topic consume``: print the records of a topic as they come, until Ctrl-C."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from kit.practice import record_text, topics
from kit.practice.commands import Command
from kit.practice.configurations import CONSUMER, client_pairs, client_settings
from kit.practice.connections import (
    API_KEY,
    API_SECRET,
    BOOTSTRAP,
    CLIENT_ID,
    check_is_there,
    key_settings,
    partitions_of,
    sentence,
)
from kit.practice.context import CLUSTER, ENVIRONMENT, Context
from kit.practice.errors import CliError, UsageError
from kit.practice.flags import Flag, Flags
from kit.practice.partitions import no_such_partition
from kit.practice.producing import CLIENT_CONFIG, check_configs, format_flag, schema_flags
from kit.practice.screen import Screen

_DEFAULT_GROUP = "confluent_cli_consumer_<randomly-generated-id>"
_POLL_TIMEOUT_MS = 100
_LOOK_AROUND_S = 1.0  # between two looks at whether cluster, key and reader are still there
_JOIN_PATIENCE_S = 10.0
_METADATA_MAX_AGE_MS = 5_000  # so that partitions that are added are read, too
_CLOSE_TIMEOUT_MS = 2_000


def _consume(context: Context, args: Sequence[str], flags: Flags) -> None:
    (topic,) = args
    _check_flags(flags)
    cluster = context.cluster(flags)
    settings = key_settings(context, cluster, flags)
    layout = _layout(flags)
    own = client_settings(CONSUMER, client_pairs(flags["config"], flags["config-file"]), "consumer")
    partitions = partitions_of(context, cluster, settings, topic)
    if flags.given("partition") and flags["partition"] not in partitions:
        raise CliError(no_such_partition(flags["partition"], topic, len(partitions)))
    reader = _Reader(topic, flags, _consumer(settings, own, flags))
    try:
        reader.begin()
        context.tell("Starting Kafka Consumer. Use Ctrl-C to exit.")
        _print_all(context, reader, layout, lambda: check_is_there(context, cluster, settings))
    except KeyboardInterrupt:
        context.tell("Stopping Consumer.")
    finally:
        reader.close()


def _check_flags(flags: Flags) -> None:
    check_configs(flags)
    if flags["from-beginning"] and flags.given("offset"):
        raise UsageError(
            "if any flags in the group [from-beginning offset] are set none of the others can be; "
            "[from-beginning offset] were all set"
        )
    if flags.given("group") and not flags["group"].strip():
        raise CliError("the consumer group ID is empty", "Leave `--group` out for a new group of its own.")
    record_text.check_delimiter(flags["delimiter"])
    if flags["offset"] < 0:
        raise CliError(f"invalid offset {flags['offset']}", "Offsets of a partition count from 0.")
    for what in ("key", "value"):
        record_text.check_format(flags[f"{what}-format"])


def _layout(flags: Flags) -> record_text.Layout:
    return record_text.Layout(
        print_key=flags["print-key"],
        print_offset=flags["print-offset"],
        timestamp=flags["timestamp"],
        full_header=flags["full-header"],
        delimiter=flags["delimiter"],
        key_format=flags["key-format"],
        value_format=flags["value-format"],
    )


def _consumer(settings: Mapping[str, Any], own: Mapping[str, Any], flags: Flags) -> Any:
    from kafka import KafkaConsumer
    from kafka.errors import KafkaError

    group = flags["group"] if flags.given("group") else f"confluent_cli_consumer_{uuid.uuid4()}"
    chosen = {
        "client_id": CLIENT_ID,
        "allow_auto_create_topics": False,
        "metadata_max_age_ms": _METADATA_MAX_AGE_MS,
        **own,
    }
    try:
        return KafkaConsumer(group_id=group, **chosen, **settings)
    except (KafkaError, AssertionError, ValueError) as error:  # settings that do not fit together
        raise CliError(f"failed to create consumer: {error}") from None


def _print_all(context: Context, reader: _Reader, layout: record_text.Layout, check: Callable[[], None]) -> None:
    """Print records until something ends it."""
    from kafka.errors import KafkaError

    screen = Screen(context.stdout)
    look_around_s = time.monotonic() + _LOOK_AROUND_S
    while True:
        try:
            records = reader.read()
        except KafkaError as error:
            check()
            raise CliError(f"failed to consume: {sentence(error)}") from None
        for record in records:
            screen.write(record_text.lines_of(record, layout))
            reader.is_printed(record)
        screen.flush()
        if time.monotonic() >= look_around_s:
            screen.check_reader()
            if not records:
                check()
                reader.check_topic()
            look_around_s = time.monotonic() + _LOOK_AROUND_S


class _Reader:
    """A consumer that begins where the flags say, and commits what was printed.

    Each partition begins there once: when it is given back after a rebalance, it goes on at the group's offset.
    """

    def __init__(self, topic: str, flags: Flags, consumer: Any) -> None:
        self._topic = topic
        self._consumer = consumer
        self._offset: int | None = flags["offset"] if flags.given("offset") else None
        self._is_from_beginning = flags["from-beginning"]
        self._is_group_random = not flags.given("group")
        self._partition: int | None = flags["partition"] if flags.given("partition") else None
        self._begun: set[Any] = set()
        self._next: dict[Any, int] = {}  # the offset of the next record to print
        self._is_assigned = False
        self._early: list[Any] = []

    def begin(self) -> None:
        """Get partitions, and know where each begins: what is sent from now on is read."""
        from kafka import TopicPartition
        from kafka.errors import KafkaError

        try:
            if self._partition is not None:
                at = TopicPartition(self._topic, self._partition)
                self._consumer.assign([at])
                self._assigned([at])
            else:
                self._consumer.subscribe([self._topic], listener=_listener(self._assigned))
                self._wait_for_assignment()
            for at in self._consumer.assignment():
                self._consumer.position(at)
        except KafkaError as error:
            raise CliError(f"failed to consume: {sentence(error)}") from None

    def _wait_for_assignment(self) -> None:
        """A group of many may need seconds; then the rest happens while records are read."""
        give_up_s = time.monotonic() + _JOIN_PATIENCE_S
        while not self._is_assigned and time.monotonic() < give_up_s:
            self._early += self.read()

    def _assigned(self, assigned: Iterable[Any]) -> None:
        for at in assigned:
            self._next.pop(at, None)  # another member may have read on meanwhile
            is_added = self._is_assigned and self._is_group_random  # a partition that the topic did not have before
            if at not in self._begun:
                self._begun.add(at)
                if self._offset is not None:
                    self._consumer.seek(at, self._offset)
                elif self._is_from_beginning or is_added:
                    self._consumer.seek_to_beginning(at)
        self._is_assigned = True

    def read(self) -> list[Any]:
        """The next records, none after a moment; each has to be told of with `is_printed`."""
        if self._early:
            early, self._early = self._early, []
            return early
        polled = self._consumer.poll(timeout_ms=_POLL_TIMEOUT_MS)
        for at, records in polled.items():
            self._next.setdefault(at, records[0].offset)
        return [record for records in polled.values() for record in records]

    def check_topic(self) -> None:
        """Notice that the topic was deleted.

        Raises:
            CliError: it was.
        """
        from kafka.errors import KafkaError

        with contextlib.suppress(KafkaError):  # nobody answers at the moment
            if self._topic not in self._consumer.topics():
                raise CliError(f'topic "{self._topic}" was deleted')

    def is_printed(self, record: Any) -> None:
        """A record that was read is on the screen."""
        from kafka import TopicPartition

        self._next[TopicPartition(record.topic, record.partition)] = record.offset + 1

    def close(self) -> None:
        """Commit what was printed, and leave the group."""
        from kafka.errors import KafkaError

        with contextlib.suppress(KafkaError, AssertionError):  # a partition that was taken away meanwhile
            for at in set(self._next) & set(self._consumer.assignment()):
                self._consumer.seek(at, self._next[at])
        with contextlib.suppress(KafkaError):
            self._consumer.close(timeout_ms=_CLOSE_TIMEOUT_MS)


def _listener(assigned: Callable[[Iterable[Any]], None]) -> Any:
    """What a consumer tells about its partitions, as kafka-python wants it."""
    from kafka import ConsumerRebalanceListener

    class Listener(ConsumerRebalanceListener):  # type: ignore[misc]
        def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
            """Nothing: what was printed is committed by the consumer."""

        def on_partitions_assigned(self, partitions: Iterable[Any]) -> None:
            """Let each begin where it shall."""
            assigned(partitions)

    return Listener()


COMMANDS = (
    Command(
        "kafka topic consume <topic>",
        "Consume messages from a Kafka topic.",
        _consume,
        (
            BOOTSTRAP,
            Flag("group", "Consumer group ID.", default=_DEFAULT_GROUP),
            Flag("from-beginning", "Consume from beginning of the topic.", "bool", "b"),
            Flag("offset", "The offset from the beginning to consume from.", "int"),
            Flag("partition", "The partition to consume from.", "int", default=-1),
            format_flag("key"),
            format_flag("value"),
            Flag("print-key", "Print key of the message.", "bool"),
            Flag("print-offset", "Print partition number and offset of the message.", "bool"),
            Flag("full-header", "Print complete content of message headers.", "bool"),
            Flag("delimiter", "The delimiter separating each key and value.", default="\t"),
            Flag("timestamp", "Print message timestamp in milliseconds.", "bool"),
            *CLIENT_CONFIG,
            *schema_flags(
                ("schema-registry-context", "The Schema Registry context under which to look up schema ID."),
                ("schema-registry-endpoint", "Endpoint for Schema Registry cluster."),
                ("schema-registry-api-key", "Schema registry API key."),
                ("schema-registry-api-secret", "Schema registry API secret."),
            ),
            API_KEY,
            API_SECRET,
            CLUSTER,
            ENVIRONMENT,
        ),
        long="Consume messages from a Kafka topic.\n\nTruncated message headers will be printed if they exist.",
        examples=(
            (
                'Consume items from topic "orders" and press "Ctrl-C" to exit:',
                "confluent kafka topic consume orders --from-beginning",
            ),
        ),
        complete=topics.names,
    ),
)
