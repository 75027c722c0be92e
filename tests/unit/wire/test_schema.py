"""The table language, and the tables that are written in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kit.wire import codec, messages, schema, stubs

TABLE = """
api 7 Greet, versions 1-5, flexible 3+  # says hello
request
    names: []string?2+, 2+, ignorable = null  # who
    mood: int8, 0-3 = -1
    place: Place, 4+, tag 1
        name: string
        height: float64, 5+
response
    struct Word
        text: string?
    words: []Word
    last: Word?5+, 5+ = null
"""


def test_parse_reads_fields_with_versions_defaults_and_tags() -> None:
    """Versions are cut to those of what is around them; what is not said has its default."""
    request, response = schema.parse(TABLE)

    names, mood, place = request.fields
    assert (request.name, request.api_key, request.about) == ("GreetRequest", 7, "says hello")
    assert (request.versions, request.flexible) == (range(1, 6), range(3, 6))
    assert (names.type, names.array, names.versions, names.nullable) == ("string", True, range(2, 6), range(2, 6))
    assert (names.ignorable, names.default, names.about) == (True, None, "who")
    assert (mood.versions, mood.default, mood.tag) == (range(1, 4), -1, None)
    assert (place.tag, place.tagged, place.struct) == (1, range(4, 6), request.structs["Place"])
    assert [field.versions for field in request.structs["Place"].fields] == [range(4, 6), range(5, 6)]
    assert [field.struct for field in response.fields] == [response.structs["Word"]] * 2


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("    what is this", "table:4: expected 'name: type"),
        ("    mood: int7", "table:4: int7 is no type"),
        ("    mood: int8, sometimes", "table:4: unknown option 'sometimes'"),
        ("        mood: int8", "table:4: indented too far"),
    ],
)
def test_parse_names_the_line_that_it_cannot_read(line: str, text: str) -> None:
    """File, line and what was expected there."""
    with pytest.raises(schema.SchemaError, match=re.escape(text)):
        schema.parse(f"\napi 7 Greet, versions 0, flexible none\nrequest\n{line}\nresponse\n")


def test_parse_names_a_head_that_it_cannot_read() -> None:
    """A block starts with its kind, name, versions and flexible versions."""
    with pytest.raises(schema.SchemaError, match=r"table:2: expected '<kind>.*found 'api 8 Broken'"):
        schema.parse("\napi 8 Broken\n")


def test_parse_refuses_an_api_without_response() -> None:
    """Both blocks belong to an API."""
    with pytest.raises(schema.SchemaError, match="Greet has no block 'response'"):
        schema.parse("api 7 Greet, versions 0, flexible none\nrequest\n")


def test_parse_refuses_two_structs_of_one_name() -> None:
    """Classes are found by name."""
    twice = "data D, versions 0, flexible none\n    a: A\n        x: int8\n    b: A\n        y: int8\n"
    with pytest.raises(schema.SchemaError, match="D has two structs A"):
        schema.parse(twice)


@pytest.mark.parametrize("path", sorted(schema.FOLDER.glob("*.txt")), ids=lambda path: path.name)
def test_quick_index_agrees_with_the_parser(path: Path) -> None:
    """`names_in` finds the same messages and structs without parsing."""
    text = path.read_text(encoding="utf-8")

    assert list(schema.names_in(text)) == [(each.name, list(each.structs)) for each in schema.parse(text, path.name)]


@pytest.mark.parametrize("path", sorted(schema.FOLDER.glob("api_*.txt")), ids=lambda path: path.name)
def test_table_file_is_named_after_its_api(path: Path) -> None:
    """Number and name, as for the handlers."""
    head = next(head for found, head in schema.read_heads() if found == path)
    snake_name = re.sub(r"(?<!^)(?=[A-Z])", "_", head.name).lower()

    assert path.name == f"api_{head.key:02d}_{snake_name}.txt"


def test_every_field_has_a_meaning() -> None:
    """Students read the tables."""
    silent = [
        f"{name}.{struct.name}.{field.name}"
        for name in messages.message_names()
        for struct in (getattr(messages, name).SCHEMA, *getattr(messages, name).SCHEMA.structs.values())
        for field in struct.fields
        if not field.about
    ]

    assert silent == []


def test_tags_are_unique_and_only_in_flexible_versions() -> None:
    """A tag names one field of its struct; without flexible versions there is no place for it."""
    for name in messages.message_names():
        message = getattr(messages, name).SCHEMA
        for struct in (message, *message.structs.values()):
            tagged = [field for field in struct.fields if field.tag is not None]
            assert len({field.tag for field in tagged}) == len(tagged)
            assert all(version in message.flexible for field in tagged for version in field.tagged)


def test_apis_are_read_without_parsing_their_fields() -> None:
    """The list of APIs has a number and a name for each table."""
    assert {api.name for api in codec.apis().values()} == {
        name.removesuffix("Request") for name in messages.message_names() if name.endswith("Request")
    }


def test_stub_is_in_step_with_the_tables() -> None:
    """After a change of a table: python -m kit.wire.stubs."""
    assert stubs.STUB.read_text(encoding="utf-8") == stubs.stub()
