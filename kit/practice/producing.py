"""``confluent kafka topic produce``: each line of standard input becomes a record.

Lines are sent as they come and are not kept: however many there are, only so much waits for its acknowledgement. The
first line that fails ends the command, because whoever pipes a file wants to know where to go on.
"""

from __future__ import annotations

import contextlib
import io
import select
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TextIO

from kit.practice import record_text, topics
from kit.practice.commands import Command
from kit.practice.configurations import PRODUCER, client_pairs, client_settings
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
from kit.practice.state import KafkaCluster

_MOST_PENDING = 10_000
_MOST_PENDING_BYTES = 16_000_000
_PATIENCE_S = 1.0  # between two looks at whether the cluster is still there
_DELIVERY_TIMEOUT_MS = 60_000
_METADATA_TIMEOUT_MS = 10_000
_CLOSE_TIMEOUT_S = 5.0

_NO_REGISTRY = "it has no Schema Registry"
CLIENT_CONFIG = (
    Flag("config", 'A comma-separated list of configuration overrides ("key=value") for the client.', "strings"),
    Flag("config-file", "The path to the configuration file for the client, in JSON format."),
)


def format_flag(what: str) -> Flag:
    """``--key-format`` or ``--value-format``."""
    return Flag(
        f"{what}-format",
        f'Format of message {what} as "string", "double" or "integer" ("avro", "jsonschema" and "protobuf" need a '
        "Schema Registry, which there is none of).",
        default="string",
        choices=record_text.FORMATS,
    )


def schema_flags(*flags: tuple[str, str]) -> tuple[Flag, ...]:
    """Flags of the real CLI that only have a meaning with a Schema Registry."""
    return tuple(Flag(name, text, refusal=_NO_REGISTRY) for name, text in flags)


def check_configs(flags: Flags) -> None:
    """Refuse both kinds of settings at once, in cobra's words."""
    if flags.given("config") and flags.given("config-file"):
        raise UsageError(
            "if any flags in the group [config config-file] are set none of the others can be; "
            "[config config-file] were all set"
        )


def _produce(context: Context, args: Sequence[str], flags: Flags) -> None:
    (topic,) = args
    check_configs(flags)
    cluster = context.cluster(flags)
    settings = key_settings(context, cluster, flags)
    writer = _writer(flags)
    own = client_settings(PRODUCER, client_pairs(flags["config"], flags["config-file"]), "producer")
    partitions_of(context, cluster, settings, topic)
    producer = _producer(settings, own)
    try:
        _learn_partitions(producer, topic)
        deliveries = _Deliveries(lambda: _check(context, cluster, settings, topic))
        context.tell(f"Starting Kafka Producer. Use {_ending_keys()} to exit.")
        _send_lines(context, topic, writer, producer, deliveries)
    finally:
        _close(producer)


def _learn_partitions(producer: Any, topic: str) -> None:
    """Know who leads the topic's partitions before the first line: sending would wait for that in vain otherwise."""
    from kafka.errors import KafkaError

    try:
        producer.partitions_for(topic)
    except KafkaError as error:
        raise CliError(f"failed to obtain topics from client: {sentence(error)}") from None


def _check(context: Context, cluster: KafkaCluster, settings: Mapping[str, Any], topic: str) -> None:
    """Refuse to wait for what can never be acknowledged."""
    check_is_there(context, cluster, settings)
    partitions_of(context, cluster, settings, topic)


def _close(producer: Any) -> None:
    """Close a producer at once: nothing is left to send, or it shall not be sent."""
    from kafka.errors import KafkaError

    producer._sender.force_close()  # noqa: SLF001 - close would wait for what cannot be sent, now and at exit
    with contextlib.suppress(KafkaError):
        producer.close(timeout=_CLOSE_TIMEOUT_S)


def _ending_keys() -> str:
    return "Ctrl-C" if sys.platform == "win32" else "Ctrl-C or Ctrl-D"


def _producer(settings: Mapping[str, Any], own: Mapping[str, Any]) -> Any:
    from kafka import KafkaProducer
    from kafka.errors import KafkaError

    from kit.practice import partitioners

    chosen = {
        "client_id": CLIENT_ID,
        "allow_auto_create_topics": False,
        "delivery_timeout_ms": _DELIVERY_TIMEOUT_MS,
        "max_block_ms": _METADATA_TIMEOUT_MS,
        "partitioner": partitioners.partitioner(partitioners.DEFAULT),
        **own,
    }
    try:
        return KafkaProducer(**chosen, **settings)
    except (KafkaError, AssertionError, ValueError, RuntimeError) as error:  # settings that do not fit together
        raise CliError(f"failed to create producer: {error}") from None


# -- lines -------------------------------------------------------------------------------------------------------------


class _Writer:
    """Turns a line into key, value and headers, as the flags say."""

    def __init__(self, flags: Flags) -> None:
        self._delimiter = flags["delimiter"].encode("utf-8", "surrogateescape")
        self._is_key_parsed = flags["parse-key"]
        self._key_format = flags["key-format"]
        self._value_format = flags["value-format"]
        self.headers = record_text.parse_headers(flags["headers"], flags["delimiter"])

    def read(self, line: bytes) -> tuple[bytes | None, bytes]:
        """Key and value of a line."""
        key, value = None, line
        if self._is_key_parsed:
            text, value = record_text.split_key(line, self._delimiter)
            key = record_text.serialize(text, self._key_format)
        return key, record_text.serialize(value, self._value_format)


def _writer(flags: Flags) -> _Writer:
    for what in ("key", "value"):
        record_text.check_format(flags[f"{what}-format"])
    if flags.given("key-format") and not flags["parse-key"]:
        raise CliError("`--parse-key` must be set when `key-format` is set")
    if not flags["delimiter"]:
        raise CliError("the delimiter is empty", "Leave `--delimiter` out to use a colon.")
    record_text.check_delimiter(flags["delimiter"])
    return _Writer(flags)


def _lines(context: Context) -> Iterator[bytes]:
    """The lines that are typed or piped, as bytes and without their ends, until Ctrl-C or the end of the input."""
    stdin = context.stdin
    if isinstance(stdin, io.TextIOWrapper):
        with contextlib.suppress(io.UnsupportedOperation):  # the shell has read from it already
            stdin.reconfigure(encoding="utf-8", errors="surrogateescape", newline="\n")
    while True:
        try:
            line = stdin.readline()
        except KeyboardInterrupt:
            return
        if not line:
            return
        yield line.removesuffix("\n").removesuffix("\r").encode("utf-8", "surrogateescape")


def _is_input_waited_for(stdin: TextIO) -> bool:
    """Whether nothing more has come through the pipe yet; where that cannot be known, the next line is read first."""
    if sys.platform == "win32":
        return False
    try:
        return not select.select([stdin.fileno()], [], [], 0)[0]
    except (OSError, ValueError):  # not a file of the system
        return False


def _send_lines(context: Context, topic: str, writer: _Writer, producer: Any, deliveries: _Deliveries) -> None:
    """Send every line that is not empty, and wait until all are acknowledged."""
    from kafka.errors import KafkaError

    is_typed = context.stdin.isatty()
    try:
        for number, line in enumerate(_lines(context), start=1):
            if not line:
                continue
            try:
                key, value = writer.read(line)
                sent = producer.send(topic, value, key, headers=writer.headers)
            except CliError as error:
                deliveries.settle()
                where = () if is_typed else (f"Mend line {number} of the input; those before it were sent.",)
                raise CliError(error.text, *where, *error.suggestions) from None
            except KafkaError as error:
                deliveries.settle()
                deliveries.check()
                raise _refused(number, error) from None
            deliveries.add(number, len(line), sent)
            if is_typed or _is_input_waited_for(context.stdin):  # who types wants to know at once
                deliveries.settle()
    except KeyboardInterrupt:
        context.log("Waiting for the last records to be acknowledged.")
    deliveries.settle()


# -- acknowledgements --------------------------------------------------------------------------------------------------


class _Deliveries:
    """Records that are sent and not acknowledged yet, in order.

    Args:
        check: refuses to wait any longer when cluster, key or topic are gone.
    """

    def __init__(self, check: Callable[[], None]) -> None:
        self.check = check
        self._pending: deque[tuple[int, int, Any]] = deque()
        self._bytes = 0

    def add(self, line: int, size: int, sent: Any) -> None:
        """Remember a record; wait for earlier ones when too many are on their way.

        Args:
            line: its number in the input.
            size: of the line, in bytes.
            sent: the future that the producer gave.

        Raises:
            CliError: an earlier one was refused.
        """
        self._pending.append((line, size, sent))
        self._bytes += size
        while self._pending and (self._pending[0][2].is_done or self._is_full()):
            self._wait_for_first()

    def settle(self) -> None:
        """Wait until all are acknowledged.

        Raises:
            CliError: one was refused, or the cluster is gone.
        """
        while self._pending:
            self._wait_for_first()

    def _is_full(self) -> bool:
        return len(self._pending) > _MOST_PENDING or self._bytes > _MOST_PENDING_BYTES

    def _wait_for_first(self) -> None:
        from kafka.errors import KafkaError

        line, size, sent = self._pending.popleft()
        self._bytes -= size
        while not sent.is_done:
            with contextlib.suppress(KafkaError):  # that it takes long; what is wrong is looked at when it is done
                sent.get(timeout=_PATIENCE_S)
            if not sent.is_done:
                self.check()
        if sent.failed():
            self.check()
            raise _refused(line, sent.exception)


_ADVICE = {
    "MESSAGE_TOO_LARGE": "Send less in one record. The topic's limit is max.message.bytes, the producer's is "
    "`--config message.max.bytes=...`.",
    "NOT_ENOUGH_REPLICAS": "Too few brokers are in sync for min.insync.replicas: see "
    "`confluent kafka partition list --topic ...`.",
    "UNKNOWN_TOPIC_OR_PARTITION": "Was the topic deleted? See `confluent kafka topic list`.",
}


def _refused(line: int, error: Exception) -> CliError:
    text = sentence(error)
    advice = [_ADVICE[name] for name in _ADVICE if text.startswith(name)]
    return CliError(f"failed to produce line {line}: {text}", *advice)


COMMANDS = (
    Command(
        "kafka topic produce <topic>",
        "Produce messages to a Kafka topic.",
        _produce,
        (
            BOOTSTRAP,
            *schema_flags(
                ("key-schema", "The ID or filepath of the message key schema."),
                ("schema", "The ID or filepath of the message value schema."),
            ),
            format_flag("key"),
            format_flag("value"),
            *schema_flags(
                ("key-references", "The path to the message key schema references file."),
                ("references", "The path to the message value schema references file."),
            ),
            Flag("parse-key", "Parse key from the message.", "bool"),
            Flag("delimiter", "The delimiter separating each key and value.", default=":"),
            *CLIENT_CONFIG,
            *schema_flags(
                ("schema-registry-endpoint", "Endpoint for Schema Registry cluster."),
                ("schema-registry-api-key", "Schema registry API key."),
                ("schema-registry-api-secret", "Schema registry API secret."),
            ),
            Flag("headers", 'A comma-separated list of headers formatted as "key:value".', "strings"),
            API_KEY,
            API_SECRET,
            CLUSTER,
            ENVIRONMENT,
        ),
        long="Produce messages to a Kafka topic: one for each line that is not empty. The command ends when all are "
        "acknowledged; the first one that is refused ends it too.",
        examples=(
            ("Type values:", "confluent kafka topic produce orders"),
            ("Send keys and values from a file:", "confluent kafka topic produce orders --parse-key < orders.txt"),
        ),
        complete=topics.names,
    ),
)
