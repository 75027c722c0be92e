"""`compare`: what was copied is found, however it was disguised, and honest work is not."""

from __future__ import annotations

import ast
import json
import os
import random
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest

from autograder.similarity import Thresholds, compare, examine

# One answer to an assignment: three functions of a student.
COUNT = '''
def count_by_key(records, skip=()):
    """How many of the records have each key."""
    counts = {}
    for record in records:
        if record.key in skip or record.value is None:
            continue
        counts[record.key] = counts.get(record.key, 0) + 1
    return counts
'''
LATEST = """
def latest(records):
    newest = {}
    for record in records:
        known = newest.get(record.key)
        if known is None or known.timestamp < record.timestamp:
            newest[record.key] = record
    return {key: record.value for key, record in newest.items()}
"""
WINDOWS = """
def windows(records, size_ms):
    found = []
    current, start = [], None
    for record in sorted(records, key=lambda each: each.timestamp):
        if start is None or record.timestamp - start >= size_ms:
            if current:
                found.append((start, len(current)))
            start, current = record.timestamp, []
        current.append(record)
    while current and not found:
        found.append((start, len(current)))
    return found
"""
ANSWER = (COUNT, LATEST, WINDOWS)
# The same task by somebody else.
OTHER = (
    """
from collections import Counter, defaultdict
def count_by_key(records, skip=()):
    wanted = filter(lambda r: r.key not in skip and r.value is not None, records)
    return dict(Counter(r.key for r in wanted))
""",
    """
def latest(records):
    by_time = sorted(records, key=attrgetter("timestamp"))
    return dict((r.key, r.value) for r in by_time)
""",
    """
def windows(records, size_ms):
    records = sorted(records, key=attrgetter("timestamp"))
    if not records:
        return []
    result = []
    begin = records[0].timestamp
    number = 0
    for r in records:
        if r.timestamp < begin + size_ms:
            number += 1
        else:
            result.append((begin, number))
            begin = r.timestamp
            number = 1
    result.append((begin, number))
    return result
""",
)


def _notebook(cells: Sequence[str]) -> str:
    made = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "source": cell.splitlines(keepends=True)} for cell in cells
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def _hand_in(folder: Path, **answers: Sequence[str]) -> dict[str, Path]:
    """Each student's cells as a notebook in a folder of their own."""
    for name, cells in answers.items():
        (folder / name).mkdir()
        (folder / name / "hw.ipynb").write_text(_notebook(cells), encoding="utf-8")
    return {name: folder / name for name in answers}


def _renamed(cells: Sequence[str]) -> list[str]:
    """Every name and attribute is another one, and comments, annotations and layout too."""
    made = []
    for cell in cells:
        tree = ast.parse(cell)
        for node in ast.walk(tree):
            for field in ("id", "arg", "name", "attr"):
                if isinstance(getattr(node, field, None), str):
                    setattr(node, field, "x" + getattr(node, field)[::-1])
            if isinstance(node, ast.FunctionDef):
                node.returns = ast.Name("int")
            if isinstance(node, ast.Constant):
                node.value = "mine" if isinstance(node.value, str) else node.value
        made.append("# all mine\n\n" + ast.unparse(tree).replace(":\n", ":  # I wrote this\n\n", 1))
    return made


def _function(chance: random.Random) -> str:
    """A function that nobody else writes."""
    body = "".join(f"    {chance.choice('abc')} = {_expression(chance, 3)}\n" for _ in range(12))
    return f"def f(a, b, c):\n{body}    return {_expression(chance, 2)}\n"


def _expression(chance: random.Random, depth: int) -> str:
    if depth == 0 or chance.random() < 0.2:
        return chance.choice(["a", "b", "1", "'t'", "c.d", "f(a)", "[a]", "(not b)"])
    sign = chance.choice(["+", "-", "*", "/", "%", "@", "<", "and", "or"])
    return f"({_expression(chance, depth - 1)} {sign} {_expression(chance, depth - 1)})"


def test_compare_finds_a_copy(tmp_path: Path) -> None:
    """All of it is in the other; where, is told to the line."""
    (pair,) = compare(_hand_in(tmp_path, ada=ANSWER, bob=ANSWER, eve=OTHER))

    assert (pair.a, pair.b, pair.share_a, pair.share_b, pair.by) == ("ada", "bob", 1.0, 1.0, "syntax")
    assert str(pair.matches[0]) == "hw.ipynb, cell 3, lines 2 to 13 = hw.ipynb, cell 3, lines 2 to 13"
    assert pair.line == (
        "ada (100% of it) and bob (100%) have 3 pieces of code in common, the longest hw.ipynb, cell 3, lines 2 to 13 "
        "= hw.ipynb, cell 3, lines 2 to 13; a person should compare them."
    )


def test_compare_finds_a_copy_with_other_names(tmp_path: Path) -> None:
    """New names, comments, annotations, empty lines and texts hide nothing."""
    (pair,) = compare(_hand_in(tmp_path, ada=ANSWER, bob=_renamed(ANSWER), eve=OTHER))

    assert (pair.a, pair.b, pair.share_a, pair.share_b) == ("ada", "bob", 1.0, 1.0)


def test_compare_finds_functions_in_another_order_and_file(tmp_path: Path) -> None:
    """Three cells of one are one file of the other, the last function first."""
    submissions = _hand_in(tmp_path, ada=ANSWER, eve=OTHER)
    (tmp_path / "bob").mkdir()
    (tmp_path / "bob" / "work.py").write_text("".join(_renamed(ANSWER[::-1])), encoding="utf-8")

    (pair,) = compare({**submissions, "bob": tmp_path / "bob"})

    assert (pair.a, pair.b, pair.share_a) == ("ada", "bob", 1.0)
    assert {(match.where_a, match.where_b) for match in pair.matches} == {
        ("hw.ipynb, cell 1", "work.py"),
        ("hw.ipynb, cell 2", "work.py"),
        ("hw.ipynb, cell 3", "work.py"),
    }


def test_compare_is_not_fooled_by_padding(tmp_path: Path) -> None:
    """A copy among much other code is still all of the original."""
    chance = random.Random(5)
    padding = [_function(chance) for _ in range(4)]

    (pair,) = compare(_hand_in(tmp_path, ada=ANSWER, bob=[*padding[:3], *ANSWER, *padding[3:]]))

    assert pair.share_a == 1.0
    assert pair.share_b < 0.5


def test_compare_leaves_out_what_was_given(tmp_path: Path) -> None:
    """Two students who share nothing but the template are not alike, and a copied answer in it is."""
    given = _hand_in(tmp_path, release=[COUNT, LATEST])["release"]
    honest = _hand_in(tmp_path, ada=[COUNT, LATEST, WINDOWS], bob=[COUNT, LATEST, OTHER[2]])
    copied = _hand_in(tmp_path, eve=[COUNT, LATEST, *_renamed([WINDOWS])])

    assert [(pair.a, pair.b) for pair in compare(honest)] == [("ada", "bob")]
    assert compare(honest, given) == []
    assert [(pair.a, pair.b, pair.share_a) for pair in compare({**honest, **copied}, given)] == [("ada", "eve", 1.0)]


def test_compare_finds_copies_in_code_that_cannot_be_parsed(tmp_path: Path) -> None:
    """A cell that is no Python is compared as text, with the cells of others that are."""
    broken = [cell.replace("return", "retrun (", 1) for cell in _renamed(ANSWER)]

    (pair,) = compare(_hand_in(tmp_path, ada=ANSWER, bob=broken, eve=OTHER))

    assert (pair.a, pair.b, pair.by) == ("ada", "bob", "text")
    assert pair.share > 0.5


def test_compare_knows_cells_of_ipython(tmp_path: Path) -> None:
    """Magics, shell lines, questions and await do not make a cell unparsable; a cell of another language is none."""
    lines = "%matplotlib inline\n!pip list\ncount_by_key?\n"
    cells = [
        "%%time\n" + lines + COUNT,
        LATEST + "    await latest([])",
        "%%bash\n" + "for i in 1 2; do ls; done\n" * 9,
    ]

    (pair,) = compare(_hand_in(tmp_path, ada=cells, bob=_renamed([COUNT, LATEST])))

    assert pair.by == "syntax"
    assert pair.share_b == 1.0
    assert {match.where_a for match in pair.matches} == {"hw.ipynb, cell 1", "hw.ipynb, cell 2"}


def test_compare_leaves_out_what_most_of_a_class_has(tmp_path: Path) -> None:
    """What more than half of eight has is how the task is done; one who copied beyond that is found."""
    chance = random.Random(3)
    answers = {f"s{n}": [COUNT, LATEST, _function(chance)] for n in range(8)}
    answers["s9"] = [COUNT, *_renamed([LATEST, answers["s3"][2]])]

    pairs = compare(_hand_in(tmp_path, **answers))

    assert [(pair.a, pair.b) for pair in pairs] == [("s3", "s9")]


def test_compare_finds_no_likeness_in_tables_and_imports(tmp_path: Path) -> None:
    """Long lists of values and imports look alike without their values; they say nothing."""
    ada = ["import a, b\n" + "".join(f"from c{n} import d\n" for n in range(60)), f"t = {list(range(300))}\n"]
    bob = ["".join(f"from e{n} import f\n" for n in range(60)), f"u = {list(range(900, 1200))}\n"]

    assert compare(_hand_in(tmp_path, ada=ada, bob=bob)) == []


def test_compare_needs_more_than_a_few_lines(tmp_path: Path) -> None:
    """An answer of one line is the same for everybody."""
    assert (
        compare(
            _hand_in(
                tmp_path, ada=["def f(a):\n    return sum(a) / len(a)"], bob=["def g(x):\n    return sum(x) / len(x)"]
            )
        )
        == []
    )


def test_compare_takes_hostile_files_for_what_they_are(tmp_path: Path) -> None:
    """Nothing of this is followed, waited for or run; each is a plain line, and the others are compared."""
    submissions = _hand_in(tmp_path, ada=ANSWER, bob=ANSWER)
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "a.py").symlink_to(tmp_path / "ada" / "hw.ipynb")
    os.mkfifo(bad / "b.py")
    (bad / "c.ipynb").write_text("[" * 100_000, encoding="utf-8")
    (bad / "d.ipynb").write_text("[]", encoding="utf-8")
    with (bad / "e.py").open("wb") as file:
        file.truncate(10**12)
    (bad / "f\x1b[31m.ipynb").write_text("{", encoding="utf-8")
    (bad / "loop").symlink_to(bad)

    found = examine({**submissions, "bad": bad, "none": tmp_path / "none"})

    assert [(pair.a, pair.b) for pair in found.pairs] == [("ada", "bob")]
    assert len(found.notes) == 7
    assert all(note.startswith(("bad: ", "none: ")) and note.isprintable() for note in found.notes)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5_000,
        "-" * 50_000 + "1",
        "a" + ".a" * 20_000,
        "a" + "()" * 20_000,
        "1+" * 20_000 + "1",
        "".join(" " * n + "if 1:\n" for n in range(99)) + " " * 99 + "pass",
        "if 1:\n pass\n" + "elif 1:\n pass\n" * 5_000,
        "a\0b",
        "\ud800",
        '"""' + "'" * 5_000,
        "'\\" * 5_000,
        "9" * 10_000,
        "\t\f\\\n" * 5_000,
    ],
)
def test_compare_survives_code_made_to_break_it(text: str, tmp_path: Path) -> None:
    """Deep, long and broken code is compared or left out, in either way of reading it."""
    (tmp_path / "a.py").write_text(text, encoding="utf-8", errors="surrogatepass")
    (tmp_path / "b.py").write_text(WINDOWS, encoding="utf-8")

    assert compare({"a": tmp_path / "a.py", "b": tmp_path / "b.py"}) == []


def test_compare_gives_the_same_whatever_the_order(tmp_path: Path) -> None:
    """A report does not depend on how a folder was listed."""
    submissions = _hand_in(tmp_path, ada=ANSWER, bob=_renamed(ANSWER), eve=[*OTHER, COUNT])

    assert compare(submissions) == compare(dict(reversed(submissions.items())))


def test_compare_bounds_what_it_tells(tmp_path: Path) -> None:
    """Where all are alike, the most alike are told and the number of the others."""
    submissions = _hand_in(tmp_path, **{f"s{n}": ANSWER for n in range(7)})

    found = examine(submissions, thresholds=Thresholds(pairs=3))

    assert len(found.pairs) == 3
    assert found.notes == (
        "21 pairs may be alike by syntax; the 6 likeliest were looked at.",
        "6 pairs are alike; the 3 most alike are told.",
    )


def test_comparison_is_data(tmp_path: Path) -> None:
    """A report goes through JSON without loss."""
    found = examine(_hand_in(tmp_path, ada=ANSWER, bob=ANSWER)).to_json()

    assert json.loads(json.dumps(found))["pairs"][0]["matches"][0]["lines_a"] == [2, 13]


def test_compare_takes_a_class_in_a_moment(tmp_path: Path) -> None:
    """A class of 60 with random code: the planted copies are found, and nobody else."""
    chance = random.Random(7)
    answers = {f"s{n:02}": [_function(chance) for _ in range(3)] for n in range(60)}
    answers["s59"] = _renamed([_function(chance), answers["s11"][2], answers["s11"][0]])

    pairs = compare(_hand_in(tmp_path, **answers))

    assert [(pair.a, pair.b) for pair in pairs] == [("s11", "s59")]
    assert 0.5 < pairs[0].share < 0.8


def test_helper_renames_everything() -> None:
    """The disguise of these tests is one: no name of the original is left."""
    assert "record" not in " ".join(_renamed([textwrap.dedent(COUNT)]))
