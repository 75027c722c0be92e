"""What commands print, to the character."""

from __future__ import annotations

import io
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kit.practice.output import Field, print_list, print_object

FIELDS = (
    Field("Current", "is_current"),
    Field("ID", "id"),
    Field("Name", "name"),
    Field("Stream Governance Package", "stream_governance_package", omit_empty=True),
)
DAY2 = {"is_current": True, "id": "env-1234", "name": "day2", "stream_governance_package": "ESSENTIALS"}


def listed(rows: list[dict[str, Any]], format_name: str = "human", fields: tuple[Field, ...] = FIELDS) -> str:
    """What `print_list` prints."""
    out = io.StringIO()
    print_list(out, format_name, fields, rows)
    return out.getvalue()


def shown(row: dict[str, Any], format_name: str = "human", fields: tuple[Field, ...] = FIELDS) -> str:
    """What `print_object` prints."""
    out = io.StringIO()
    print_object(out, format_name, fields, row)
    return out.getvalue()


def test_list_has_centred_titles_a_rule_and_trailing_spaces() -> None:
    """A list for people has no border."""
    assert listed([DAY2]) == (
        "  Current |    ID    | Name | Stream Governance Package  \n"
        "----------+----------+------+----------------------------\n"
        "  *       | env-1234 | day2 | ESSENTIALS                 \n"
    )


def test_object_stands_in_a_box() -> None:
    """One object has its names left and its values right, and "Current" in words."""
    row = {"is_current": False, "stream_governance_package": "ESSENTIALS"}

    assert shown(row, fields=(FIELDS[0], FIELDS[3])) == (
        "+---------------------------+------------+\n"
        "| Current                   | false      |\n"
        "| Stream Governance Package | ESSENTIALS |\n"
        "+---------------------------+------------+\n"
    )


def test_numbers_are_aligned_right_and_long_text_is_wrapped() -> None:
    """Text goes on in its column below at about 30 characters."""
    fields = (Field("Key", "key"), Field("Description", "description"), Field("Partition Count", "count"))
    rows = [
        {"key": "K2", "description": "works for two clusters but on a different sr cluster", "count": 12},
        {"key": "K1", "description": "", "count": 6},
    ]

    assert listed(rows, fields=fields) == (
        "  Key |          Description           | Partition Count  \n"
        "------+--------------------------------+------------------\n"
        "  K1  |                                |               6  \n"
        "  K2  | works for two clusters but on  |              12  \n"
        "      | a different sr cluster         |                  \n"
    )


def test_long_word_is_never_broken() -> None:
    """A secret stays one word, so that it can be copied."""
    secret = "x" * 64

    assert f"| {secret} |" in shown({"api_secret": secret}, fields=(Field("API Secret", "api_secret"),))


def test_wide_characters_take_two_columns() -> None:
    """A name in Chinese does not shift its neighbours."""
    lines = listed([DAY2, {**DAY2, "id": "env-9", "name": "第二天"}]).splitlines()

    assert lines[2] == "  *       | env-1234 | day2   | ESSENTIALS                 "
    assert lines[3] == "  *       | env-9    | 第二天 | ESSENTIALS                 "


def test_rows_are_sorted_by_the_first_field_but_current() -> None:
    """The row in use is not put first."""
    _, _, first, second = listed([DAY2, {**DAY2, "is_current": False, "id": "env-0"}]).splitlines()

    assert ("env-0" in first, "env-1234" in second) == (True, True)


def test_empty_list_says_so() -> None:
    """People get words; programs get an empty list."""
    assert (listed([]), listed([], "json"), listed([], "yaml")) == ("None found.\n", "[]\n", "[]\n")


def test_json_has_two_spaces_and_snake_case() -> None:
    """The same as on the lecture's slide."""
    assert shown({**DAY2, "is_current": False}, "json") == (
        "{\n"
        '  "is_current": false,\n'
        '  "id": "env-1234",\n'
        '  "name": "day2",\n'
        '  "stream_governance_package": "ESSENTIALS"\n'
        "}\n"
    )
    assert listed([DAY2], "json").startswith('[\n  {\n    "is_current": true,\n')


def test_json_escapes_what_means_something_in_html() -> None:
    """As Go does."""
    assert shown({**DAY2, "name": "<a> & b"}, "json").splitlines()[3] == ('  "name": "\\u003ca\\u003e \\u0026 b",')


def test_yaml_has_the_same_keys_in_the_same_order() -> None:
    """An object is a map, a list a list of maps, and an empty text is quoted."""
    assert shown({**DAY2, "name": ""}, "yaml") == (
        'is_current: true\nid: env-1234\nname: ""\nstream_governance_package: ESSENTIALS\n'
    )
    assert listed([DAY2, {**DAY2, "id": "env-5"}], "yaml") == (
        "- is_current: true\n  id: env-1234\n  name: day2\n  stream_governance_package: ESSENTIALS\n"
        "- is_current: true\n  id: env-5\n  name: day2\n  stream_governance_package: ESSENTIALS\n"
    )


@given(st.one_of(st.text(max_size=20), st.text("ab:# -'\"\\0123.eE+_~<>*&!%@`{}[],?|=\n\t", max_size=8)))
def test_yaml_texts_are_read_back_as_they_were(text: str) -> None:
    """Whatever a student types as a name, a reader of YAML gets the same text."""
    printed = shown({"name": text}, "yaml", (Field("Name", "name"),))

    assert yaml.safe_load(printed) == {"name": text}


@pytest.mark.parametrize(
    "text", ["true", "no", "~", "1", "1e3", "0x1F", "2026-11-25", "1:30", "null", ".inf", "=", "day2"]
)
def test_yaml_texts_that_look_like_something_else_stay_texts(text: str) -> None:
    """A name such as "no" is no boolean."""
    printed = shown({"name": text}, "yaml", (Field("Name", "name"),))

    assert yaml.safe_load(printed) == {"name": text}


def test_field_without_a_title_is_for_programs_only() -> None:
    """And one whose key starts with "!" for people only."""
    fields = (Field("Name", "name"), Field(None, "config"), Field("Note", "!note"))
    row = {"name": "t", "config": {"b": "2", "a": "1"}, "note": "n"}

    assert "config" not in shown(row, fields=fields)
    assert "note" not in shown(row, "json", fields)
    assert "| Note | n |" in shown(row, fields=fields)
