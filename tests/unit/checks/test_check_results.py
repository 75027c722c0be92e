"""How a verdict shows itself, and how checks are found by name."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.checks import CheckResult, UnknownCheckError, verdict
from kit.checks.registry import check


class TagCollector(HTMLParser):
    """Collects the tags and the text of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        """See HTMLParser."""
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        """See HTMLParser."""
        self.text += data


@given(st.booleans(), st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_result_html_escapes_everything(passed: bool, text: str) -> None:
    """What a record holds cannot become a tag, and the text arrives unchanged."""
    shown = TagCollector(CheckResult("01.x", passed, text, text, text)._repr_html_())

    assert shown.tags <= {"div", "b"}
    assert shown.text.count(text) >= (3 if text else 0)


@pytest.mark.parametrize("passed", [True, False])
def test_result_says_its_verdict_in_words(passed: bool) -> None:
    """Text and HTML carry the verdict without colour, and the result is as true as its verdict."""
    result = CheckResult("01.x", passed, "This happened.", "topic t")
    word = "passed" if passed else "not yet"

    assert bool(result) == passed
    assert word in str(result)
    assert word in re.sub(r"<[^>]*>", "", result._repr_html_())
    assert "Try next" not in str(result)


def test_unknown_check_names_the_nearest() -> None:
    """A slip of the pen is answered with the name that was meant."""
    with pytest.raises(UnknownCheckError, match=r"did you mean 01\.catch-up"):
        verdict("01.catchup", None)  # type: ignore[arg-type]


def test_unknown_check_far_from_any_name_lists_all() -> None:
    """Where no name is near, all are listed."""
    with pytest.raises(UnknownCheckError, match=r"the checks are 00\.crash, 01\.catch-up, "):
        verdict("zzz", None)  # type: ignore[arg-type]


def test_check_on_a_closed_cluster_gives_a_verdict() -> None:
    """A cluster that does not answer is said in words and raises nothing."""

    class Closed:
        bootstrap_servers = "127.0.0.1:1"  # port 1 is nobody's

    result = check("01.record", Closed())

    assert not result
    assert "127.0.0.1:1" in result.where
    assert "kit.start" in result.try_next


@pytest.mark.parametrize("mistaken", [b"cam-01", "cluster", ["ana"], 7])
def test_answer_in_the_place_of_the_cluster_is_told(mistaken: object) -> None:
    """Whoever forgets the cluster reads what comes first, and no AttributeError."""
    result = check("03.hot-key", mistaken)  # type: ignore[arg-type]

    assert not result
    assert repr(mistaken) in result.happened
    assert 'kit.check("03.hot-key", cluster, ...)' in result.try_next
