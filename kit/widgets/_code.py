"""The same action as code: in Python, with Apache Kafka's own command line tools, and with the Confluent CLI.

Whatever a student typed stays one argument: Python's ``repr`` and the shell's quoting see to that. Passwords never get
into code, which is copied into chats and saved with notebooks.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

_WIDTH = 96
_PRACTICE = "In this kit it is `kit confluent ...`, on a practice cluster: lab 08."


class Code(TypedDict):
    """One way to write an action, as the browser gets it.

    ``way`` completes "The same ...", and ``note`` says what the code cannot.
    """

    way: str
    text: str
    note: str


def in_python(lines: Sequence[str]) -> Code:
    """Lines of Python."""
    return {"way": "in Python", "text": "\n".join(lines), "note": ""}


def with_kafka_cli(text: str, note: str = "") -> Code:
    """Apache Kafka's own tools."""
    return {"way": "with Kafka's CLI", "text": text, "note": note}


def with_confluent_cli(text: str, note: str = "") -> Code:
    """The Confluent CLI, which the kit's practice CLI imitates."""
    return {"way": "with the Confluent CLI", "text": text, "note": f"{note} {_PRACTICE}".strip() if text else note}


# -- pieces ------------------------------------------------------------------------------------------------------------


def is_open(client_settings: Mapping[str, Any]) -> bool:
    """Whether addresses are all that a client needs."""
    return bool(client_settings.get("security_protocol", "PLAINTEXT") == "PLAINTEXT")


def settings_argument(client_settings: Mapping[str, Any]) -> str:
    """How a client in Python is told where the cluster is; passwords stay in the cluster object."""
    if is_open(client_settings):
        return f'bootstrap_servers="{client_settings["bootstrap_servers"]}"'
    return "**cluster.client_settings"


def shell(*words: str) -> str:
    """One command, each word quoted if it has to be; a long one goes on in further lines, an option in each."""
    quoted = [shlex.quote(word) for word in words]
    line = " ".join(quoted)
    if len(line) <= _WIDTH:
        return line
    lines: list[list[str]] = [[]]
    for word, text in zip(words, quoted, strict=True):
        if word.startswith("--") and lines[-1]:
            lines.append([])
        lines[-1].append(text)
    return " \\\n  ".join(" ".join(line) for line in lines)


def option(name: str, value: str) -> tuple[str, ...]:
    """An option with its value, also one that begins with a hyphen and so looks like an option itself."""
    return (f"{name}={value}",) if value.startswith("-") else (name, value)


def confluent_topic(verb: str, topic: str, *flags: str) -> str:
    """A command of ``confluent kafka topic``; a topic that looks like a flag comes after those that are."""
    words = (*flags, "--", topic) if topic.startswith("-") else (topic, *flags)
    return shell("confluent", "kafka", "topic", verb, *words)


def kafka_tool(name: str, client_settings: Mapping[str, Any], *words: str) -> str:
    """A command of Apache Kafka's ``bin`` folder."""
    login = () if is_open(client_settings) else ("--command-config", "client.properties")
    servers = str(client_settings["bootstrap_servers"])
    return shell(f"kafka-{name}.sh", "--bootstrap-server", servers, *login, *words)


def login_note(client_settings: Mapping[str, Any]) -> str:
    """Where Kafka's tools take a password from."""
    return "" if is_open(client_settings) else "The file client.properties holds the login."


# -- topics ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NewTopic:
    """A topic to be made. None and no entry: the broker's default."""

    name: str
    num_partitions: int | None = None
    replication_factor: int | None = None
    configs: tuple[tuple[str, str], ...] = ()

    def arguments(self) -> dict[str, Any]:
        """What KafkaAdminClient.create_topics takes for it."""
        arguments: dict[str, Any] = {}
        if self.num_partitions is not None:
            arguments["num_partitions"] = self.num_partitions
        if self.replication_factor is not None:
            arguments["replication_factor"] = self.replication_factor
        if self.configs:
            arguments["configs"] = dict(self.configs)
        return arguments


def create_topic(wanted: NewTopic, client_settings: Mapping[str, Any]) -> list[Code]:
    """Make a topic, in three ways."""
    words = ["--create", *option("--topic", wanted.name)]
    flags: list[str] = []
    if wanted.num_partitions is not None:
        words += ["--partitions", str(wanted.num_partitions)]
        flags += ["--partitions", str(wanted.num_partitions)]
    if wanted.replication_factor is not None:
        words += ["--replication-factor", str(wanted.replication_factor)]
    for name, value in wanted.configs:
        words += ["--config", f"{name}={value}"]
        flags += ["--config", f"{name}={value}"]
    fixed = "Confluent Cloud always keeps three replicas: there is no flag for it."
    return [
        in_python(_with_admin(client_settings, f"admin.create_topics({{{wanted.name!r}: {wanted.arguments()!r}}})")),
        with_kafka_cli(kafka_tool("topics", client_settings, *words), login_note(client_settings)),
        with_confluent_cli(
            confluent_topic("create", wanted.name, *flags), fixed if wanted.replication_factor is not None else ""
        ),
    ]


def delete_topic(name: str, client_settings: Mapping[str, Any]) -> list[Code]:
    """Delete a topic, in three ways."""
    asks = "It asks before it deletes; Kafka's own tool does not."
    return [
        in_python(_with_admin(client_settings, f"admin.delete_topics([{name!r}])")),
        # The tool reads a topic's name as a regular expression, in which a period is any character.
        with_kafka_cli(
            kafka_tool("topics", client_settings, "--delete", *option("--topic", name.replace(".", r"\."))),
            "The name is a regular expression there: without the backslash a period is any character, and more topics "
            f"than one might go. {login_note(client_settings)}".strip(),
        ),
        with_confluent_cli(confluent_topic("delete", name), asks),
    ]


def _with_admin(client_settings: Mapping[str, Any], line: str) -> list[str]:
    return [
        "from kafka import KafkaAdminClient",
        "",
        f"admin = KafkaAdminClient({settings_argument(client_settings)})",
        line,
        "admin.close()",
    ]


# -- reading -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """What to read of a topic.

    Attributes:
        partition: None for all.
        start: "beginning", "latest", "offset" or "timestamp".
        at: the offset, or the timestamp in milliseconds since 1970.
    """

    topic: str
    partition: int | None = None
    start: str = "beginning"
    at: int = 0


def read_topic(wanted: Reading, client_settings: Mapping[str, Any]) -> list[Code]:
    """Read records, in three ways."""
    return [
        in_python(_python_reader(wanted, client_settings)),
        _kafka_reader(wanted, client_settings),
        _confluent_reader(wanted),
    ]


def _python_reader(wanted: Reading, client_settings: Mapping[str, Any]) -> list[str]:
    seek = {
        "beginning": ["consumer.seek_to_beginning(*places)"],
        "latest": ["consumer.seek_to_end(*places)  # what comes from now on"],
        "offset": ["for place in places:", f"    consumer.seek(place, {wanted.at})"],
        "timestamp": [
            f"for place, found in consumer.offsets_for_times(dict.fromkeys(places, {wanted.at})).items():",
            "    if found:  # else nothing is as late, and the consumer begins at the end",
            "        consumer.seek(place, found.offset)",
        ],
    }[wanted.start]
    numbers = (
        f"sorted(consumer.partitions_for_topic({wanted.topic!r}))"
        if wanted.partition is None
        else f"[{wanted.partition}]"
    )
    return [
        "from kafka import KafkaConsumer, TopicPartition",
        "",
        f"consumer = KafkaConsumer({settings_argument(client_settings)}, consumer_timeout_ms=5000)",
        f"places = [TopicPartition({wanted.topic!r}, number) for number in {numbers}]",
        "consumer.assign(places)",
        *seek,
        "for record in consumer:",
        "    print(record.partition, record.offset, record.key, record.value)",
        "consumer.close()",
    ]


_SHOWN = ("key", "partition", "offset", "timestamp")


def _kafka_reader(wanted: Reading, client_settings: Mapping[str, Any]) -> Code:
    words = [*option("--topic", wanted.topic)]
    before: list[str] = []
    notes = ["Before Kafka 4.2 --formatter-property was called --property."]
    partition = "0" if wanted.partition is None else str(wanted.partition)
    if wanted.start == "beginning" and wanted.partition is None:
        words += ["--from-beginning"]
    elif wanted.start == "latest" and wanted.partition is None:
        pass  # the tool's default
    else:
        offset = {"beginning": "earliest", "latest": "latest", "offset": str(wanted.at)}.get(wanted.start)
        if offset is None:
            place = f"{wanted.topic}:{partition}"
            get = ("--topic-partitions", place, "--time", str(wanted.at))
            before = [kafka_tool("get-offsets", client_settings, *get)]
            notes.insert(0, "The first command prints topic:partition:offset; put the offset into the second.")
            offset = "OFFSET"
        words += ["--partition", partition, "--offset", offset]
        if wanted.partition is None:
            notes.insert(0, "An offset is of one partition, so this reads partition 0 only.")
    for name in _SHOWN:
        words += ["--formatter-property", f"print.{name}=true"]
    reader = kafka_tool("console-consumer", client_settings, *words)
    return with_kafka_cli("\n".join([*before, reader]), " ".join([*notes, login_note(client_settings)]).strip())


def _confluent_reader(wanted: Reading) -> Code:
    flags: list[str] = []
    note = ""
    if wanted.start == "beginning":
        flags += ["--from-beginning"]
    elif wanted.start == "offset":
        flags += ["--offset", str(wanted.at)]
    elif wanted.start == "timestamp":
        flags += ["--from-beginning"]
        note = "It cannot begin at a time: read from the beginning and look at the timestamps."
    if wanted.partition is not None:
        flags += ["--partition", str(wanted.partition)]
    shown = ("--print-key", "--print-offset", "--timestamp")
    return with_confluent_cli(confluent_topic("consume", wanted.topic, *flags, *shown), note)
