"""Command lines as cobra and pflag read them."""

from __future__ import annotations

from typing import Any

import pytest

from kit.practice.errors import CliError, UsageError
from kit.practice.flags import Flag, check_required, check_values, parse

FLAGS = (
    Flag("output", "", short="o", default="human", choices=("human", "json")),
    Flag("from-beginning", "", "bool", "b"),
    Flag("partition", "", "int", default=-1),
    Flag("partitions", "", "uint32"),
    Flag("config", "", "strings"),
    Flag("verbose", "", "count", "v"),
    Flag("cloud", "", required=True),
    Flag("region", "", required=True),
)


@pytest.mark.parametrize(
    ("line", "args", "values"),
    [
        ("a b", ["a", "b"], {}),
        ("--output json t", ["t"], {"output": "json"}),
        ("t --output=json", ["t"], {"output": "json"}),
        ("t -o json", ["t"], {"output": "json"}),
        ("t -ojson", ["t"], {"output": "json"}),
        ("t -o=json", ["t"], {"output": "json"}),
        ("-bo json t", ["t"], {"from-beginning": True, "output": "json"}),
        ("-b t", ["t"], {"from-beginning": True}),
        ("--from-beginning t", ["t"], {"from-beginning": True}),
        ("--from-beginning=false t", ["t"], {"from-beginning": False}),
        ("t -- -b --output", ["t", "-b", "--output"], {}),
        ("- t", ["-", "t"], {}),
        ("--partition -2", [], {"partition": -2}),
        ("--partition=0", [], {"partition": 0}),
        ("--partitions 6", [], {"partitions": 6}),
        ("--config a=1,b=2 --config c=3", [], {"config": ("a=1", "b=2", "c=3")}),
        ('--config "a=1,2",b=3', [], {"config": ("a=1,2", "b=3")}),
        ("--config=", [], {"config": ()}),
        ("-vvv -v", [], {"verbose": 4}),
        ("--output= t", ["t"], {"output": ""}),
    ],
)
def test_flags_are_read_wherever_they_stand(line: str, args: list[str], values: dict[str, Any]) -> None:
    """Long and short forms, with and without "=", joined, before and after arguments, until "--"."""
    found_args, found = parse(FLAGS, line.split(" "))

    defaults = {flag.name: flag.empty() for flag in FLAGS}
    assert (found_args, dict(found)) == (args, {**defaults, **values})
    assert {name for name in found if found.given(name)} == set(values)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("--nope", "unknown flag: --nope"),
        ("--nope=1", "unknown flag: --nope"),
        ("-x", "unknown shorthand flag: 'x' in -x"),
        ("-bx", "unknown shorthand flag: 'x' in -bx"),
        ("t --output", "flag needs an argument: --output"),
        ("t -o", "flag needs an argument: 'o' in -o"),
        ("t -bo", "flag needs an argument: 'o' in -bo"),
        ("--=1", "bad flag syntax: --=1"),
        ("---a", "bad flag syntax: ---a"),
        (
            "--partition one",
            'invalid argument "one" for "--partition" flag: strconv.ParseInt: parsing "one": invalid syntax',
        ),
        (
            "--partitions -1",
            'invalid argument "-1" for "--partitions" flag: strconv.ParseUint: parsing "-1": invalid syntax',
        ),
        (
            "--partitions 4294967296",
            (
                'invalid argument "4294967296" for "--partitions" flag: '
                'strconv.ParseUint: parsing "4294967296": value out of range'
            ),
        ),
        (
            "--from-beginning=maybe",
            (
                'invalid argument "maybe" for "-b, --from-beginning" flag: '
                'strconv.ParseBool: parsing "maybe": invalid syntax'
            ),
        ),
    ],
)
def test_flags_that_cannot_be_read_are_refused(line: str, text: str) -> None:
    """The sentence is pflag's, so that students know it when they meet it again."""
    with pytest.raises(UsageError) as refused:
        parse(FLAGS, line.split(" "))

    assert refused.value.text == text


def test_missing_required_flags_are_all_named() -> None:
    """One run shows everything that is missing, in the order of the help text."""
    _, values = parse(FLAGS, [])

    with pytest.raises(UsageError, match=r'^required flag\(s\) "cloud", "region" not set$'):
        check_required(FLAGS, values)


def test_value_outside_the_choices_is_refused_with_the_choices() -> None:
    """The suggestion lists what the flag allows."""
    _, values = parse(FLAGS, ["-o", "oops"])

    with pytest.raises(CliError) as refused:
        check_values(FLAGS, values)

    assert refused.value.text == 'invalid value "oops" for `--output` flag'
    assert refused.value.suggestions == ("Allowed values for `--output` flag are: human, json.",)


def test_flag_without_a_meaning_here_is_refused_with_the_reason() -> None:
    """A student who copies a line from the real CLI's documentation learns why it is of no use here."""
    flags = (Flag("network", "Network ID.", refusal="its clusters are on this computer only"),)
    _, values = parse(flags, ["--network", "n-123456"])

    with pytest.raises(CliError) as refused:
        check_values(flags, values)

    assert refused.value.text == (
        "the `--network` flag does nothing in the practice CLI: its clusters are on this computer only"
    )
