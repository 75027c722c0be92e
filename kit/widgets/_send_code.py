"""Sending records as code: in Python, with Apache Kafka's console producer, and with the Confluent CLI.

Both command line tools read a record per line, so that what has a line break in it is for Python alone.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from kit.widgets._code import (
    Code,
    confluent_topic,
    in_python,
    kafka_tool,
    login_note,
    option,
    shell,
    with_confluent_cli,
    with_kafka_cli,
)
from kit.widgets._sending import Order, as_python

_SEPARATORS = (":", "|", ";", "~", "^", "\t")
_ONE_PARTITION = "It cannot choose the partition, as the form does."
_ONE_LINE = "It reads a record per line and its separators between the parts of it: this one cannot be written so."


def send_records(order: Order, client_settings: Mapping[str, Any]) -> list[Code]:
    """Send what the order says, in three ways."""
    return [
        in_python(as_python(order, client_settings).splitlines()),
        _with_kafka_cli(order, client_settings),
        _with_confluent_cli(order),
    ]


def _with_kafka_cli(order: Order, client_settings: Mapping[str, Any]) -> Code:
    line, properties = order.value, []
    if order.key:
        separator = _separator(order.key)
        line = f"{order.key}{separator}{line}"
        properties += ["parse.key=true", f"key.separator={separator}"]
    if order.headers:
        texts = [text for header in order.headers for text in header]
        between, within, behind = _separators(*texts)
        header_text = between.join(f"{name}{within}{value}" for name, value in order.headers)
        line = f"{header_text}{behind}{line}"
        properties += ["parse.headers=true", f"headers.separator={between}", f"headers.key.separator={within}"]
        properties += [f"headers.delimiter={behind}"]
    if "" in properties or _is_no_line(line) or any(each.endswith("=") for each in properties):
        return with_kafka_cli("", _ONE_LINE)
    words = [*option("--topic", order.topic)]
    for each in properties:
        words += ["--reader-property", each]
    if order.acks != "all":
        words += ["--command-property", f"acks={order.acks}"]
    notes = [_ONE_PARTITION] if order.partition is not None else []
    notes += ["Before Kafka 4.2 --reader-property was called --property."] if properties else []
    notes += [login_note(client_settings)]
    text = f"{_lines(line, order.count)} | {kafka_tool('console-producer', client_settings, *words)}"
    return with_kafka_cli(text, " ".join(filter(None, notes)))


def _with_confluent_cli(order: Order) -> Code:
    flags: list[str] = []
    texts = [order.key, *(text for header in order.headers for text in header)]
    separator = _separator(*texts)
    line = order.value
    if order.key:
        line = f"{order.key}{separator}{line}"
        flags += ["--parse-key"]
    if order.headers:
        flags += ["--headers", ",".join(f"{name}{separator}{value}" for name, value in order.headers)]
    if separator != ":" and (order.key or order.headers):
        flags += ["--delimiter", separator]
    if order.acks != "all":
        flags += ["--config", f"acks={order.acks}"]
    is_list_safe = not any(each in text for header in order.headers for text in header for each in ',"')
    # It cuts blanks off at both ends of key and value, and passes over empty lines.
    is_kept = order.key == order.key.strip() and (not order.key or order.value == order.value.strip())
    if not separator or _is_no_line(line) or not line or not is_list_safe or not is_kept:
        return with_confluent_cli("", _ONE_LINE)
    note = _ONE_PARTITION if order.partition is not None else ""
    return with_confluent_cli(f"{_lines(line, order.count)} | {confluent_topic('produce', order.topic, *flags)}", note)


def _lines(line: str, count: int) -> str:
    """A command that prints the line so many times, whatever is in it."""
    if count == 1:
        return shell("printf", r"%s\n", line)
    return f"yes -- {shlex.quote(line)} | head -n {count}"


def _is_no_line(line: str) -> bool:
    return any(each in line for each in "\n\r\0")


def _separator(*texts: str) -> str:
    """A character that is in none of the texts; empty when there is none."""
    return next((each for each in _SEPARATORS if not any(each in text for text in texts)), "")


def _separators(*texts: str) -> tuple[str, str, str]:
    """Three different ones: between headers, between name and value, behind the headers."""
    free = [each for each in (",", *_SEPARATORS) if not any(each in text for text in texts)]
    return (free[0], free[1], free[-1]) if len(free) >= 3 else ("", "", "")
