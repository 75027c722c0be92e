"""Error codes against two foreign tables, and the broker's exception."""

import kafka.errors
import pytest
from kio.schema.errors import ErrorCode as KioErrorCode

from kit.wire.errors import BrokerError, ErrorCode


def test_error_codes_are_the_protocols_with_no_gap() -> None:
    """Every code from -1 to Kafka 4.3's last one is there exactly once."""
    assert list(range(-1, 134)) == sorted(ErrorCode)


@pytest.mark.parametrize("code", ErrorCode, ids=lambda code: code.name)
def test_error_code_agrees_with_kio(code: ErrorCode) -> None:
    """Name and retriable flag are the same as in kio's table, which is made from Kafka's."""
    oracle = KioErrorCode(code.value)
    assert (oracle.name.upper(), oracle.retriable) == (code.name, code.retriable)


@pytest.mark.parametrize("code", ErrorCode, ids=lambda code: code.name)
def test_error_code_is_described_in_one_sentence(code: ErrorCode) -> None:
    """A student reads a whole sentence that is not the name over again."""
    assert code.description.endswith(".")
    assert code.description.lower().strip(".") != code.name.lower().replace("_", " ")


def test_kafka_python_maps_our_codes_to_exceptions() -> None:
    """The client that the labs use raises the exception that a code stands for."""
    assert kafka.errors.for_code(int(ErrorCode.CORRUPT_MESSAGE)) is kafka.errors.CorruptRecordError
    assert kafka.errors.for_code(int(ErrorCode.TOPIC_ALREADY_EXISTS)) is kafka.errors.TopicAlreadyExistsError


def test_error_code_is_an_integer_on_the_wire() -> None:
    """A member can be packed and compared like the int16 that it is."""
    assert (3).to_bytes(2, "big") == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION.to_bytes(2, "big")
    assert ErrorCode(3) is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def test_broker_error_says_the_code_and_the_case() -> None:
    """The text names the code and prefers the message of this very case."""
    error = BrokerError(ErrorCode.INVALID_PARTITIONS, "Topic 'a' cannot have 0 partitions.")
    assert str(error) == "INVALID_PARTITIONS: Topic 'a' cannot have 0 partitions."
    assert (error.code, error.message) == (ErrorCode.INVALID_PARTITIONS, "Topic 'a' cannot have 0 partitions.")


def test_broker_error_falls_back_to_the_codes_description() -> None:
    """Without a message the code's own description is the text, and ``message`` stays None for the response."""
    error = BrokerError(ErrorCode.NOT_COORDINATOR)
    assert str(error) == f"NOT_COORDINATOR: {ErrorCode.NOT_COORDINATOR.description}"
    assert error.message is None
