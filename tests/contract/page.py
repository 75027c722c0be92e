"""Write docs/reference/contract.md from the tests: ``python -m tests.contract.page``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.contract.test_bad_requests import BAD

FOLDER = Path(__file__).parent
PAGE = FOLDER.parents[1] / "docs" / "reference" / "contract.md"
_NO_BEHAVIOUR = ("test_apache_log.py", "test_clients.py", "test_page.py")  # and what has to do with dumps
_OVER_A_TABLE = "Not there yet"

_HEAD = """\
# The contract: what holds on every backend

Each line is a test of `tests/contract`. It runs on the embedded broker and on Apache Kafka in containers, with one
broker and with three; where it needs three, with those only. A name in the last column is a line of
[differences](differences.md): there both are tested, each for its own behaviour. The files of the embedded broker
before Apache's own readers (`test_apache_log.py`, `test_dump_*.py`) and the scenarios of unmodified clients
(`test_clients.py`, [tests/clients](../../tests/clients/README.md)) belong to the contract too.

    pytest -m contract                              all of it on all clusters, Apache's readers of our files too
    pytest -m contract -k "embedded or docker"      the lines below, and the unmodified clients
    pytest -m contract -k embedded                  seconds; needs nothing
    pytest -m contract -k docker-3                  Apache Kafka, three brokers

This page is written by `python -m tests.contract.page`.
"""


class Behaviour(NamedTuple):
    """One test.

    Attributes:
        text: its docstring.
        brokers: "1, 3" or "3".
        differences: the lines of the other page that it names.
    """

    text: str
    brokers: str
    differences: str


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for path in sorted(FOLDER.glob("test_*.py")):
        if path.name in _NO_BEHAVIOUR or "dump" in path.name:
            continue
        module = ast.parse(path.read_text(encoding="utf-8"))
        rows = "".join(f"| {_cell(row.text)} | {row.brokers} | {row.differences} |\n" for row in behaviours(module))
        title = (ast.get_docstring(module) or "").splitlines()[0]
        parts.append(f"## {title.rstrip('.')}\n\n| behaviour | brokers | differs |\n| --- | --- | --- |\n{rows}")
        if path.name == "test_bad_requests.py":
            parts.append(_bad_requests())
    return "\n".join(parts)


def behaviours(module: ast.Module) -> Iterator[Behaviour]:
    """The tests of a module, in order."""
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            needs_three = _needs_three(module) or any("brokers(3)" in ast.unparse(each) for each in node.decorator_list)
            text = " ".join((ast.get_docstring(node) or "").split())
            named = sorted(set(_differences(node)))
            yield Behaviour(text, "3" if needs_three else "1, 3", "; ".join(named))


def _needs_three(module: ast.Module) -> bool:
    marks = [ast.unparse(node.value) for node in module.body if isinstance(node, ast.Assign)]
    return any("pytest.mark.brokers(3)" in mark for mark in marks)


def _differences(test: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(test):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "differs":
            name = node.args[0]
            yield str(name.value) if isinstance(name, ast.Constant) else _OVER_A_TABLE


def _bad_requests() -> str:
    rows = "".join(f"| {name} | {bad.expected.name} |\n" for name, bad in BAD.items())
    return f"| request | error code |\n| --- | --- |\n{rows}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
