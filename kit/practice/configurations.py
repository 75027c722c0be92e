"""``--config`` and ``--config-file``: settings of topics, and of the clients in librdkafka's names.

The real CLI's clients are librdkafka's; here they are kafka-python's, which have the same settings under other names.
Source: "Configuration properties" of librdkafka; the CLI's pkg/properties.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kit.practice.errors import CliError


def read_pairs(texts: Sequence[str]) -> dict[str, str]:
    """The settings of ``--config``: "key=value" texts, or one path of a file with such lines.

    A comma in a value has parted it already: a text without "=" goes on with the one before it.

    Raises:
        CliError: a text is no setting, or the file cannot be read.
    """
    if len(texts) == 1 and "=" not in texts[0] and Path(texts[0]).is_file():
        return _pairs(_file_lines(texts[0]))
    whole: list[str] = []
    for text in texts:
        if "=" in text or not whole:
            whole.append(text)
        else:
            whole[-1] += f",{text}"
    return _pairs(whole)


def _file_lines(path: str) -> list[str]:
    lines = _text_of(path).replace("\\\n", "").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


def _text_of(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise CliError(f'"{path}" is no configuration file: it is not text in UTF-8') from None
    except OSError as error:
        raise CliError(f'"{path}" cannot be read: {error.strerror}') from None


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, found, value = text.partition("=")
        if not found:
            raise CliError(
                f'failed to parse "key=value" pattern from configuration: {text}',
                "Write the name of the setting, an equals sign and the value, such as `retention.ms=86400000`.",
            )
        pairs[name.strip()] = value.strip()
    return pairs


def client_pairs(texts: Sequence[str], path: str) -> dict[str, str]:
    """The settings of ``--config``, or those of ``--config-file``: one JSON object.

    Raises:
        CliError: they cannot be read.
    """
    if not path:
        return read_pairs(texts)
    try:
        data = json.loads(_text_of(path))
    except json.JSONDecodeError as error:
        raise CliError(
            f'"{path}" is no JSON: {error}', 'Write one object, such as {"linger.ms": "100", "acks": "all"}.'
        ) from None
    if not isinstance(data, dict):
        raise CliError(f'"{path}" has no JSON object', 'Write one, such as {"linger.ms": "100", "acks": "all"}.')
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in data.items()}


# -- librdkafka's settings in kafka-python's names ---------------------------------------------------------------------

Reader = Callable[[str], Any]


def _one_of(**values: Any) -> Reader:
    return lambda text: values[text.lower()]


def _boolean(text: str) -> bool:
    return {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}[text.lower()]


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError
    return number


def _acks(text: str) -> int:
    return {"all": -1, "-1": -1, "0": 0, "1": 1}[text.lower()]


def _partitioner(name: str) -> Any:
    from kit.practice.partitioners import partitioner

    return partitioner(name)


def _assignors(text: str) -> list[Any]:
    from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
    from kafka.coordinator.assignors.range import RangePartitionAssignor
    from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

    known = {
        each.name: each for each in (CooperativeStickyAssignor, RangePartitionAssignor, RoundRobinPartitionAssignor)
    }
    return [known[name.strip()] for name in text.split(",")]


_CODECS = _one_of(none=None, gzip="gzip", snappy="snappy", lz4="lz4", zstd="zstd")
_RESET = _one_of(
    earliest="earliest", smallest="earliest", beginning="earliest", latest="latest", largest="latest", end="latest"
)

_COMMON: dict[str, tuple[str, Reader]] = {
    "client.id": ("client_id", str),
    "request.timeout.ms": ("request_timeout_ms", _natural),
    "retry.backoff.ms": ("retry_backoff_ms", _natural),
    "topic.metadata.refresh.interval.ms": ("metadata_max_age_ms", _natural),
}
PRODUCER: dict[str, tuple[str, Reader]] = {
    **_COMMON,
    "acks": ("acks", _acks),
    "request.required.acks": ("acks", _acks),
    "batch.size": ("batch_size", _natural),
    "compression.codec": ("compression_type", _CODECS),
    "compression.type": ("compression_type", _CODECS),
    "delivery.timeout.ms": ("delivery_timeout_ms", _natural),
    "message.timeout.ms": ("delivery_timeout_ms", _natural),
    "enable.idempotence": ("enable_idempotence", _boolean),
    "linger.ms": ("linger_ms", _natural),
    "queue.buffering.max.ms": ("linger_ms", _natural),
    "max.in.flight.requests.per.connection": ("max_in_flight_requests_per_connection", _natural),
    "message.max.bytes": ("max_request_size", _natural),
    "message.send.max.retries": ("retries", _natural),
    "retries": ("retries", _natural),
    "partitioner": ("partitioner", _partitioner),
}
CONSUMER: dict[str, tuple[str, Reader]] = {
    **_COMMON,
    "auto.commit.interval.ms": ("auto_commit_interval_ms", _natural),
    "auto.offset.reset": ("auto_offset_reset", _RESET),
    "client.rack": ("client_rack", str),
    "enable.auto.commit": ("enable_auto_commit", _boolean),
    "fetch.max.bytes": ("fetch_max_bytes", _natural),
    "fetch.min.bytes": ("fetch_min_bytes", _natural),
    "fetch.wait.max.ms": ("fetch_max_wait_ms", _natural),
    "group.instance.id": ("group_instance_id", str),
    "heartbeat.interval.ms": ("heartbeat_interval_ms", _natural),
    "isolation.level": (
        "isolation_level",
        _one_of(read_committed="read_committed", read_uncommitted="read_uncommitted"),
    ),
    "max.partition.fetch.bytes": ("max_partition_fetch_bytes", _natural),
    "max.poll.interval.ms": ("max_poll_interval_ms", _natural),
    "partition.assignment.strategy": ("partition_assignment_strategy", _assignors),
    "session.timeout.ms": ("session_timeout_ms", _natural),
}


def client_settings(known: Mapping[str, tuple[str, Reader]], pairs: Mapping[str, str], what: str) -> dict[str, Any]:
    """Settings of a client in kafka-python's names.

    Args:
        known: `PRODUCER` or `CONSUMER`.
        pairs: what the command line says, in librdkafka's names.
        what: "producer" or "consumer", for the error.

    Raises:
        CliError: there is no such setting, or it cannot have this value.
    """
    settings = {}
    for name, text in pairs.items():
        if name not in known:
            raise CliError(
                f'failed to create {what}: No such configuration property: "{name}"',
                f"The practice CLI's {what} has these: {', '.join(sorted(known))}.",
            )
        own_name, read = known[name]
        try:
            settings[own_name] = read(text)
        except (KeyError, ValueError):
            raise CliError(
                f'failed to create {what}: Invalid value "{text}" for configuration property "{name}"'
            ) from None
    return settings
