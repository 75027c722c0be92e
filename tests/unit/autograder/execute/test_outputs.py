"""Outputs: what honest kernels say is kept as notebooks have it; of the rest, only what a notebook can hold."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.execute.outputs import Outputs, TooLargeError, cleaned

Json = dict[str, Any]


def cell_of(*messages: Json, most_bytes: int = 100_000) -> Json:
    """A cell that got these messages."""
    cell: Json = {"cell_type": "code", "id": "a", "metadata": {}, "source": "", "outputs": [], "execution_count": None}
    outputs = Outputs(most_bytes)
    outputs.begin(cell)
    for message in messages:
        outputs.take(message)
    return cell


def said(kind: str, **content: Any) -> Json:
    """A message."""
    return {"type": kind, "request": 1, "content": content}


def stream(text: str, name: str = "stdout") -> Json:
    """Printed text."""
    return said("stream", name=name, text=text)


def shown(text: str, name: str, kind: str = "display_data") -> Json:
    """A display with a name."""
    return said(kind, data={"text/plain": text}, metadata={}, transient={"display_id": name})


def test_text_of_one_stream_is_one_output() -> None:
    """As a notebook shows it."""
    outputs = cell_of(stream("a"), stream("b"), stream("c", "stderr"), stream("d"))["outputs"]
    assert [(each["name"], each["text"]) for each in outputs] == [("stdout", "ab"), ("stderr", "c"), ("stdout", "d")]


def test_named_display_is_updated_where_it_stands() -> None:
    """Progress bars have one output."""
    outputs = cell_of(shown("1", "bar"), stream("x"), shown("2", "bar", "update_display_data"))["outputs"]
    assert outputs[0]["data"] == {"text/plain": "2"}
    assert len(outputs) == 2


def test_clearing_waits_for_what_comes_next() -> None:
    """As `clear_output(wait=True)` does."""
    assert cell_of(stream("a"), said("clear_output", wait=False))["outputs"] == []
    assert cell_of(stream("a"), said("clear_output", wait=True))["outputs"][0]["text"] == "a"
    assert cell_of(stream("a"), said("clear_output", wait=True), stream("b"))["outputs"][0]["text"] == "b"


def test_result_is_kept_when_the_rest_is_cut() -> None:
    """Marks may rest on a small result or an error; prints before it do not crowd it out."""
    result = said("execute_result", data={"text/plain": "0.5"}, metadata={}, execution_count=3)
    error = said("error", ename="E", evalue="v", traceback=["t"])
    cell = cell_of(*[stream("x" * 500)] * 9, result, error, *[error] * 9, most_bytes=2000)
    assert [each["output_type"] for each in cell["outputs"]] == ["stream", "execute_result", "error"]
    assert cell["outputs"][0]["text"].endswith("[autograder: the rest of the output was left out]\n")
    assert cell["execution_count"] == 3


def test_halves_of_characters_become_question_marks() -> None:
    """Whoever writes the notebook to a file can."""
    cell = cell_of(stream("\ud800"), said("display_data", data={"a/json": {"\ud800": ["\udfff"]}}, metadata={}))
    json.dumps(cell, ensure_ascii=False).encode("utf-8")


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KINDS = ("stream", "display_data", "execute_result", "error", "update_display_data", "clear_output", "cut")
FIELDS = ("name", "text", "data", "metadata", "transient", "ename", "evalue", "traceback", "execution_count", "wait")


@given(
    st.lists(
        st.builds(dict, type=st.sampled_from(KINDS) | ANY, content=st.dictionaries(st.sampled_from(FIELDS), ANY) | ANY)
    )
)
def test_whatever_is_said_the_notebook_is_valid(messages: list[Json]) -> None:
    """No message makes a notebook that nbformat refuses, or raises."""
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell_of(*messages)]}
    nbformat.validate(nbformat.from_dict(notebook))


@pytest.mark.parametrize("number", [10**300, -(10**4000), float("inf"), float("nan")])
def test_number_that_is_too_large_is_in_no_output(number: float) -> None:
    """Whoever shows or adds it would stop; whatever else the cell said is kept."""
    with pytest.raises(TooLargeError, match="more than 300 digits"):
        cleaned({"deep": [1, number]})
    poisoned = said("display_data", data={"application/json": {"n": number}}, metadata={})
    assert [each["output_type"] for each in cell_of(poisoned, stream("on"))["outputs"]] == ["stream"]


def test_large_numbers_of_honest_work_are_kept() -> None:
    """Identifiers of 128 bits, and the largest float."""
    assert cleaned([2**128, -(2**64), 1.7e308, 10**299, True]) == [2**128, -(2**64), 1.7e308, 10**299, True]
