"""Make and delete topics as an administrator does, and say what Kafka answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kit.widgets._background import describe, kafka_name
from kit.widgets._code import NewTopic
from kit.widgets._sending import TIMEOUT_MS, parse_headers

_MAX_NUMBER = 2**31 - 1


@dataclass(frozen=True)
class Outcome:
    """What came of it, in a sentence; ``error`` is Kafka's name for what went wrong, empty when nothing did."""

    text: str
    error: str = ""
    is_done: bool = False


class TopicAdmin:
    """Acts through kafka-python's admin client, which is made when it is first needed.

    Args:
        client_settings: how clients reach the cluster, in kafka-python's names.
    """

    def __init__(self, client_settings: Mapping[str, Any]) -> None:
        self._client_settings = client_settings
        self._admin: Any = None

    def create(self, wanted: NewTopic, *, validate_only: bool = False) -> Outcome:
        """Make a topic, or only ask whether Kafka would."""
        answer = self._ask("create_topics", {wanted.name: wanted.arguments()}, validate_only=validate_only)
        if isinstance(answer, Outcome):
            return answer
        if validate_only:
            return Outcome(f"Kafka would make {wanted.name}. Nothing was made.", is_done=True)
        made = answer["num_partitions"], answer["replication_factor"]
        spread = f": {counted(made[0], 'partition')}, replication factor {made[1]}" if min(made) > 0 else ""
        return Outcome(f"Kafka has made {wanted.name}{spread}.", is_done=True)

    def delete(self, name: str) -> Outcome:
        """Delete a topic with all its records."""
        answer = self._ask("delete_topics", [name])
        return answer if isinstance(answer, Outcome) else Outcome(f"Kafka has deleted {name}.", is_done=True)

    def topic_id(self, name: str) -> str | None:
        """What tells a topic from a later one of the same name; None when there is no such topic.

        Raises:
            kafka.errors.KafkaError: the brokers do not answer.
        """
        found = [each for each in self._client().describe_topics() if each["name"] == name]
        return str(found[0]["topic_id"]) if found else None

    def close(self) -> None:
        """Close the client; the next question opens one again."""
        if self._admin is not None:
            self._admin.close()
            self._admin = None

    def _client(self) -> Any:
        from kafka import KafkaAdminClient

        if self._admin is None:
            self._admin = KafkaAdminClient(**self._client_settings, bootstrap_timeout_ms=TIMEOUT_MS)
        return self._admin

    def _ask(self, call: str, *arguments: Any, **options: Any) -> Any:
        """The answer about the one topic, or the `Outcome` when it was refused."""
        from kafka.errors import KafkaError

        try:
            answer = getattr(self._client(), call)(*arguments, raise_errors=False, **options)["topics"][0]
        except KafkaError as error:
            return Outcome(f"Kafka did not answer. {describe(error)}", type(error).__name__)
        if answer["error_code"]:
            name = kafka_name(answer["error_code"])
            return Outcome(f"Kafka refused. {name}: {answer.get('error_message') or 'no reason given'}", name)
        return answer


def new_topic(fields: Mapping[str, str]) -> NewTopic:
    """What a form says. An empty field leaves the choice to the brokers; what Kafka can refuse itself is let through.

    Raises:
        ValueError: a number is none, or a setting has no equals sign.
    """
    return NewTopic(
        fields.get("name", ""),
        _number(fields, "partitions"),
        _number(fields, "replication_factor"),
        tuple(_configs(fields)),
    )


def hints(wanted: NewTopic) -> list[str]:
    """What Kafka takes without a word, and people regret."""
    configs = dict(wanted.configs)
    found = []
    if wanted.replication_factor == 1:
        found.append("One replica only: while its broker is down nobody can read or write the topic.")
    in_sync = configs.get("min.insync.replicas", "")
    if in_sync.isdecimal() and wanted.replication_factor is not None and int(in_sync) > wanted.replication_factor > 0:
        replicas = counted(wanted.replication_factor, "replica")
        found.append(
            f"min.insync.replicas={in_sync} with {replicas}: Kafka asks for no more than there are, so every one has "
            "to be in sync. When one broker is down, sending with acks=all is refused (NOT_ENOUGH_REPLICAS)."
        )
    elif in_sync.isdecimal() and wanted.replication_factor == int(in_sync) > 1:
        found.append("As many replicas have to be in sync as there are: when one broker is down, writing stops.")
    if "compact" in configs.get("cleanup.policy", ""):
        found.append("Compaction keeps the newest record of each key: records without a key are refused.")
    return found


def _number(fields: Mapping[str, str], name: str) -> int | None:
    text = fields.get(name, "").strip()
    if not text:
        return None
    try:
        number = int(text)
    except ValueError:
        number = _MAX_NUMBER + 1
    if abs(number) > _MAX_NUMBER:
        raise ValueError(f"{name.replace('_', ' ').capitalize()}: {text!r} is no whole number that Kafka could take.")
    return number


def _configs(fields: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in ("retention.ms", "min.insync.replicas", "cleanup.policy"):
        if fields.get(name, "").strip():
            yield name, fields[name].strip()
    try:
        yield from parse_headers(fields.get("configs", ""))
    except ValueError:
        raise ValueError("Other settings are written name=value, name=value.") from None


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
