"""Code as a row of numbers: what a syntax tree is made of, without names, values and layout.

Names, attributes and values are all alike here: who renames them, or gives built-in functions new names, changes
nothing. Comments, documentation strings and type annotations are left out for the same reason, and imports because all
are alike.
"""

from __future__ import annotations

import ast
import keyword
import re
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from autograder.similarity.sources import Unit

_MOST_PARSED = 60_000  # characters; the parser is slow on some long texts that are made for it
_MOST_ELEMENTS = 8  # of a list or table: without their values, all long ones are alike
_TYPES = frozenset({"annotation", "returns", "type_comment", "type_params", "ctx"})
_DOCUMENTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)
_LEXICAL = re.compile(
    r"(?P<skip>#[^\n]*|[ \t\f\\]+)|(?P<line>\n)"
    r"|(?P<text>[A-Za-z]{0,2}(?:'''(?:[^\\]|\\.)*?(?:'''|\Z)|\"\"\"(?:[^\\]|\\.)*?(?:\"\"\"|\Z)"
    r"|'(?:[^\\'\n]|\\.)*'?|\"(?:[^\\\"\n]|\\.)*\"?))"
    r"|(?P<number>\d[\w.]*)|(?P<word>\w+)|(?P<sign>\*\*=?|//=?|->|:=|[-+*/%=!<>&|^@]=|<<|>>|.)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Row:
    """The tokens of one unit.

    Attributes:
        tokens: a number for each.
        lines: the line of each, from 1.
    """

    tokens: list[int]
    lines: list[int]


def syntactic(unit: Unit) -> Row | None:
    """The tokens of the syntax tree; None when it has none: the code is broken, or too long to be parsed."""
    if len(unit.text) > _MOST_PARSED:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the student's code
            flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT  # as in a notebook
            tree = compile(unit.text, "cell", "exec", flags, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    row = Row([], [])
    for name, line in _walk(tree):
        row.tokens.append(_number(name))
        row.lines.append(line)
    return row


def lexical(unit: Unit) -> Row:
    """The tokens of the text; every text has them."""
    row = Row([], [])
    line = 1
    for match in _LEXICAL.finditer(unit.text):
        kind, text = match.lastgroup, match.group()
        if kind not in {"skip", "line"}:
            row.tokens.append(_number(_word(kind or "", text)))
            row.lines.append(line)
        line += text.count("\n")
    return row


def _word(kind: str, text: str) -> str:
    if kind == "word":
        return text if keyword.iskeyword(text) else "a name"
    return text if kind == "sign" else kind


def _walk(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Each node before those in it, without recursion: a tree may be deep."""
    waiting: list[tuple[ast.AST, int]] = [(tree, 1)]
    while waiting:
        node, line = waiting.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        line = getattr(node, "lineno", line)
        if not isinstance(node, ast.Expr | ast.Module | ast.Load | ast.Store | ast.Del | ast.arguments):
            yield _named(node), line
        waiting.extend((each, line) for each in reversed(_children(node)))


def _children(node: ast.AST) -> list[ast.AST]:
    found: list[ast.AST] = []
    for name, value in ast.iter_fields(node):
        if name in _TYPES:
            continue
        if isinstance(value, ast.AST):
            found.append(value)
        elif isinstance(value, list):
            inner = [each for each in value if isinstance(each, ast.AST)]
            found.extend(inner[1:] if name == "body" and _has_documentation(node) else inner)
    return found[:_MOST_ELEMENTS] if isinstance(node, ast.List | ast.Tuple | ast.Set | ast.Dict) else found


def _has_documentation(node: ast.AST) -> bool:
    first = node.body[0] if isinstance(node, _DOCUMENTED) and node.body else None
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)


def _named(node: ast.AST) -> str:
    kind = type(node).__name__
    if isinstance(node, ast.Call):
        return f"Call {len(node.args)} {len(node.keywords)}"
    if isinstance(node, ast.Constant):
        return f"Constant {type(node.value).__name__}"
    if isinstance(node, ast.AnnAssign):
        return "Assign"
    return kind


@cache
def _number(name: str) -> int:
    return zlib.crc32(name.encode("utf-8", "replace"))
