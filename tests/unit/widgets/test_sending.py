"""The producer panel's logic: orders, headers, and the same order as Python code."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.client_settings import ClientSettings
from kit.widgets._sending import Order, as_python, parse_headers

ORDERS = st.builds(
    Order,
    topic=st.text(),
    value=st.text(),
    key=st.text(),
    headers=st.lists(st.tuples(st.text(min_size=1), st.text())).map(tuple),
    partition=st.none() | st.integers(0, 99),
    count=st.integers(1, 5),
    acks=st.sampled_from(["all", 1, 0]),
)


def test_order_arguments_leave_out_what_is_not_given() -> None:
    """An empty key is no key, and no chosen partition leaves the choice to the partitioner."""
    assert Order("t", "v").arguments() == {"value": b"v"}


def test_order_arguments_are_bytes() -> None:
    """Key, value and header values leave as UTF-8."""
    order = Order("t", "é", key="k", headers=(("h", "ü"),), partition=2)

    expected = {"value": "é".encode(), "key": b"k", "headers": [("h", "ü".encode())], "partition": 2}
    assert order.arguments() == expected


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("", ()),
        (" , ", ()),
        ("a=b", (("a", "b"),)),
        (" a = b , a=c ", (("a", "b"), ("a", "c"))),
        ("a==b=", (("a", "=b="),)),
        ("a=", (("a", ""),)),
    ],
)
def test_headers_are_parsed_in_order(text: str, headers: tuple[tuple[str, str], ...]) -> None:
    """Names may repeat, values may be empty or hold equals signs, spaces around do not count."""
    assert parse_headers(text) == headers


@pytest.mark.parametrize("text", ["a", "=b", "a=b, c"])
def test_headers_without_a_name_or_sign_are_refused(text: str) -> None:
    """The sentence shows the part that is wrong and the form that is right."""
    with pytest.raises(ValueError, match="name=value"):
        parse_headers(text)


@given(ORDERS)
def test_python_code_sends_exactly_the_order(order: Order) -> None:
    """Run with a producer that only takes notes, the code sends what the panel would send, whatever the texts hold."""
    sent: list[tuple[str, dict[str, Any]]] = []
    made: list[dict[str, Any]] = []

    class Future:
        offset = 0

        def get(self, **_: float) -> Future:
            return self

    class NotingProducer:
        def __init__(self, **configs: Any) -> None:
            made.append(configs)

        def send(self, topic: str, **arguments: Any) -> Future:
            sent.append((topic, arguments))
            return Future()

        def close(self) -> None:
            """Nothing to close."""

    code = as_python(order, {"bootstrap_servers": "127.0.0.1:1"})
    without_import = ast.parse(code.removeprefix("from kafka import KafkaProducer"))
    exec(compile(without_import, "panel", "exec"), {"KafkaProducer": NotingProducer, "print": lambda *_: None})

    assert sent == [(order.topic, order.arguments())] * order.count
    assert made[0].get("acks", "all") == order.acks


def test_python_code_for_a_cluster_with_users_holds_no_password() -> None:
    """It would be saved with the notebook; the cluster has it."""
    settings = {
        "bootstrap_servers": "kafka:9092",
        "security_protocol": "SASL_SSL",
        "sasl_plain_password": "open-sesame",
    }

    code = as_python(Order("plays", "Hello"), ClientSettings(settings))

    assert "KafkaProducer(**cluster.client_settings)" in code
    assert "open-sesame" not in code
