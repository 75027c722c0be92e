"""Actions as code: whatever a student typed arrives as it was typed, and the tools get what they know."""

from __future__ import annotations

import ast
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.client_settings import ClientSettings
from kit.practice import clusters, topics
from kit.widgets._code import Code, NewTopic, Reading, create_topic, delete_topic, read_topic
from kit.widgets._send_code import send_records
from kit.widgets._sending import Order
from tests.support.practice import PracticeCli
from tests.support.practice_admin import FakeAdmin

SETTINGS = {"bootstrap_servers": "127.0.0.1:1,127.0.0.1:2"}
LINES = st.text(alphabet=st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]))
LOGIN = ClientSettings(
    {"bootstrap_servers": "kafka:9092", "security_protocol": "SASL_SSL", "sasl_plain_password": "open-sesame"}
)


def words(code: Code) -> list[str]:
    """What the shell makes of the command."""
    return shlex.split(code["text"].replace(" \\\n ", " "))


def values_of(found: list[str], option: str) -> list[str]:
    """What stands behind an option, each time."""
    joined = [word.partition("=")[2] for word in found if word.startswith(f"{option}=")]
    return [found[at + 1] for at, word in enumerate(found) if word == option] + joined


@given(name=LINES, configs=st.lists(st.tuples(st.just("retention.ms"), LINES), max_size=1).map(tuple))
def test_new_topic_arrives_as_it_was_typed(name: str, configs: tuple[tuple[str, str], ...]) -> None:
    """In all three ways: name, numbers and settings, with quotes, dollars, hyphens and spaces in them."""
    python, kafka, confluent = create_topic(NewTopic(name, 3, 2, configs), SETTINGS)

    call = next(node for node in ast.walk(ast.parse(python["text"])) if ast.unparse(node).startswith("{"))
    wanted: Any = {"num_partitions": 3, "replication_factor": 2}
    assert ast.literal_eval(ast.unparse(call)) == {name: wanted | ({"configs": dict(configs)} if configs else {})}
    assert values_of(words(kafka), "--topic") == [name]
    assert values_of(words(kafka), "--partitions") == ["3"]
    assert values_of(words(kafka), "--replication-factor") == ["2"]
    assert values_of(words(kafka), "--config") == [f"{key}={value}" for key, value in configs]
    assert name in words(confluent)
    assert "three replicas" in confluent["note"]


def test_deleting_with_kafkas_tool_names_one_topic_only() -> None:
    """The tool reads a regular expression: an unescaped period would delete musicXplays as well."""
    _, kafka, confluent = delete_topic("music.plays", SETTINGS)

    assert values_of(words(kafka), "--topic") == [r"music\.plays"]
    assert "regular expression" in kafka["note"]
    assert words(confluent)[-2:] == ["delete", "music.plays"]


@pytest.mark.parametrize(
    ("reading", "kafka_has", "confluent_has"),
    [
        (Reading("t"), ["--from-beginning"], ["--from-beginning"]),
        (Reading("t", 2), ["--partition 2", "--offset earliest"], ["--from-beginning", "--partition 2"]),
        (Reading("t", None, "latest"), ["--topic t"], ["consume t"]),
        (Reading("t", 1, "latest"), ["--partition 1", "--offset latest"], ["--partition 1"]),
        (Reading("t", 1, "offset", 42), ["--partition 1", "--offset 42"], ["--offset 42", "--partition 1"]),
        (Reading("t", None, "offset", 42), ["--partition 0", "--offset 42"], ["--offset 42"]),
        (Reading("t", 1, "timestamp", 99), ["t:1", "--time 99", "--offset OFFSET"], ["--from-beginning"]),
    ],
)
def test_reading_begins_where_it_was_chosen(reading: Reading, kafka_has: list[str], confluent_has: list[str]) -> None:
    """Each place in each tool's own options; what a tool cannot do stands in the note."""
    python, kafka, confluent = read_topic(reading, SETTINGS)

    ast.parse(python["text"])
    assert all(part in " ".join(words(kafka)) for part in kafka_has)
    assert all(part in " ".join(words(confluent)) for part in confluent_has)
    assert ("partition 0 only" in kafka["note"]) == (reading.partition is None and reading.start == "offset")


@given(key=LINES, value=LINES, headers=st.lists(st.tuples(LINES.filter(bool), LINES), max_size=2).map(tuple))
def test_line_for_the_console_producer_can_be_taken_apart_again(
    key: str, value: str, headers: tuple[tuple[str, str], ...]
) -> None:
    """With the separators that it is told, the tool finds key, value and headers as they were typed."""
    kafka = send_records(Order("t", value, key, headers), SETTINGS)[1]
    if not kafka["text"]:
        return
    found = words(kafka)
    properties = dict(each.split("=", 1) for each in values_of(found, "--reader-property"))
    line = found[2]
    taken: list[tuple[str, ...]] = []
    if headers:
        text, line = line.split(properties["headers.delimiter"], 1)
        taken = [
            tuple(each.split(properties["headers.key.separator"]))
            for each in text.split(properties["headers.separator"])
        ]
    assert taken == list(headers)
    if key:
        taken_key, line = line.split(properties["key.separator"], 1)
        assert taken_key == key
    assert line == value


@pytest.mark.parametrize("order", [Order("t", "two\nlines"), Order("t", "v", "".join(":|;~^\t"))])
def test_what_is_no_line_is_left_to_python(order: Order) -> None:
    """There is no command, and a sentence instead."""
    python, kafka, confluent = send_records(order, SETTINGS)

    assert python["text"]
    assert (kafka["text"], confluent["text"]) == ("", "")
    assert "cannot be written so" in kafka["note"]


def test_many_records_and_weak_acks_are_in_the_command() -> None:
    """The line is repeated, and acks is a setting of the client."""
    _, kafka, confluent = send_records(Order("t", "it's", count=3, acks=1), SETTINGS)

    assert kafka["text"].startswith("yes -- 'it'\"'\"'s' | head -n 3 | kafka-console-producer.sh")
    assert values_of(words(kafka), "--command-property") == ["acks=1"]
    assert "--config acks=1" in confluent["text"]


def test_no_password_gets_into_code() -> None:
    """Python takes the settings from the cluster, Kafka's tools from a file."""
    codes = [
        *create_topic(NewTopic("t"), LOGIN), *delete_topic("t", LOGIN), *read_topic(Reading("t"), LOGIN),
        *send_records(Order("t", "v"), LOGIN),
    ]  # fmt: skip

    assert not any("open-sesame" in each["text"] + each["note"] for each in codes)
    assert "**cluster.client_settings" in codes[0]["text"]
    assert "--command-config client.properties" in codes[1]["text"]


@pytest.mark.parametrize("name", ["t", "--odd", "it's"])
def test_confluent_commands_are_those_of_the_practice_cli(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The kit's own imitation takes them and makes what was asked for."""
    admin = FakeAdmin()
    monkeypatch.setattr(topics, "administration", admin.administration)
    monkeypatch.setattr(clusters, "topic_count", lambda *_: 2)
    cli = PracticeCli(tmp_path)
    cli.ok("login")
    cli.ok("environment create day2")
    cli.ok(f"environment use {cli.environment}")
    cli.ok("kafka cluster create c --cloud gcp --region us-west1")
    cli.ok(f"kafka cluster use {cli.cluster}")
    wanted = NewTopic(name, 3, None, (("cleanup.policy", "compact,delete"), ("retention.ms", "1")))

    made = cli.run(words(create_topic(wanted, SETTINGS)[2])[1:])

    assert (made.status, made.out) == (0, f'Created topic "{name}".\n'), made
    assert admin.partitions[name] == 3
    assert admin.configs[name] == {"cleanup.policy": "compact,delete", "retention.ms": "1"}
    assert cli.run(words(delete_topic(name, SETTINGS)[2])[1:], stdin=f"{name}\ny\n").status == 0
    assert name not in admin.partitions
