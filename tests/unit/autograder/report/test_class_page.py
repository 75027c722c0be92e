"""The class page: its figures are those of the results, and nothing that a student wrote becomes part of the page."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from autograder.job import Score, Stop, Usage
from autograder.quizzes import Item
from autograder.report import StudentResult, class_facts, figures, page

MIB = 1024 * 1024


def result(student: str, *points: float, reason: str = "a record was lost", **others: object) -> StudentResult:
    """A result with a property for each number of points, of 2 each."""
    scores = [
        Score("cell", f"property-{place}", each, 2, "all is there" if each == 2 else reason)
        for place, each in enumerate(points)
    ]
    return StudentResult(student, scores, **others)  # type: ignore[arg-type]


class _Scripts(HTMLParser):
    """Counts what could run or load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.events: list[str] = []
        self.addresses: list[str | None] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag, event handlers and addresses."""
        self.tags.append(tag)
        self.events += [name for name, _ in attrs if name.startswith("on")]
        self.addresses += [value for name, value in attrs if name in {"src", "href"}]


class TestFacts:
    """Figures of a class."""

    def test_properties_are_counted_and_the_commonest_reason_is_named(self) -> None:
        """All, some and none of the points."""
        facts = class_facts(
            [result("a", 2, 2), result("b", 1, 2), result("c", 0, 2), result("d", 0, 2, reason="other")]
        )
        first, second = facts.properties
        assert (first.num_full, first.num_part, first.num_none) == (1, 1, 2)
        assert first.mean_share == 3 / 8
        assert (first.commonest_reason, first.num_commonest) == ("a record was lost", 2)
        assert (second.num_full, second.commonest_reason) == (4, "")
        assert (facts.of, facts.median, list(facts.points)) == (4, 2.5, [2, 2, 3, 4])

    @pytest.mark.parametrize(
        ("reasons", "told"),
        [
            (["Partitions: 3, and 6 were asked for. (run topic, seed 217484945702448000)",
              "There is no topic music.listens. (run topic, seed 112158815326838000)",
              "There is no topic music.listens. (run topic, seed 238957284691375000)"],
             ("There is no topic music.listens.", 2)),
            (["No result for '{\"a\": 1, \"n…' at orders-0 offset 0. There are 60 faults of this kind. (run a, seed 1)",
              "No result for '{\"a\": 7, \"n…' at orders-0 offset 4. There is 1 fault of this kind. (run a, seed 2)"],
             ("No result for … at orders-0 offset ….", 2)),
            (["consume failed at listens-5: TypeError: Topics must be a list. (run a, seed 1)", "Nothing was counted.",
              "consume failed at listens-5: KeyError: 'song' (run a, seed 2)"],
             ("consume failed at listens-5: …", 2)),
            (['It returned {"a": [1, 2]}, not 4.', "It returned null, not 4."], ("It returned …, not 4.", 2)),
            (["Don't commit first; it's too early.", "Don't wait; it's too early."],
             ("Don't commit first; it's too early.", 1)),
        ],
        ids=["seeds", "records", "errors", "answers", "apostrophes"],
    )  # fmt: skip
    def test_reasons_that_differ_only_in_run_seed_and_own_values_are_one(
        self, reasons: list[str], told: tuple[str, int]
    ) -> None:
        """Counted as one, and told without a value that not all of them have."""
        facts = class_facts([result(f"s{number}", 0, reason=reason) for number, reason in enumerate(reasons)])
        assert (facts.properties[0].commonest_reason, facts.properties[0].num_commonest) == told

    def test_what_waits_for_a_person_is_counted_and_listed(self) -> None:
        """A score that only a person can say is a line, also where nothing else is."""
        undecided = Score("cell", "order", 0, 2, "only pictures", needs_human=True)
        facts = class_facts([result("a", 2), StudentResult("b", [undecided], needs_human=True)])
        assert facts.to_look_at == {"b": ["A person decides about order."]}
        made = page("A", [StudentResult("b", [undecided], needs_human=True)], judging="probes")
        assert "<b>1</b>to be looked at" in made
        assert "To be looked at: 1" in made

    def test_who_is_to_be_looked_at_is_told_from_what_is_only_noted(self) -> None:
        """One number, which `grade` says too, and one list of that many; the others stand apart."""
        facts = class_facts(
            [
                result("a", 2, flags=["A cell is missing."]),
                result("b", 2, flags=["It could not be read."], needs_human=True),
                result("c", 2, needs_human=True),
            ]
        )
        assert facts.to_look_at == {"b": ["It could not be read."], "c": ["No reason was noted."]}
        assert facts.noted == {"a": ["A cell is missing."]}

    def test_test_cells_of_one_name_are_items_of_their_own(self) -> None:
        """With `asserts` all are called "tests": each is one bar, in the order of the notebook, also of a first one."""
        cells = ["test-z", "test-a", "test-m"]
        made = [
            StudentResult(f"s{number}", [Score(cell, "tests", number % 2, 1, "") for cell in cells[number == 0 :]])
            for number in range(4)
        ]
        facts = class_facts(made)
        assert [each.label for each in facts.properties] == cells
        bars = figures.difficulty(facts).data
        assert tuple(bars[0].y) == tuple(cells)
        assert [sum(numbers) for numbers in zip(*(bar.x for bar in bars), strict=True)] == [3, 4, 4]
        assert "<td>test-z</td><td>tests</td>" in page("A", made, judging="asserts")

    def test_properties_of_one_name_in_two_cells_are_told_apart(self) -> None:
        """By both; where the name is enough, it is the label."""
        places = [("one", "order"), ("one", "keys"), ("two", "order"), ("two", "time")]
        facts = class_facts([StudentResult("a", [Score(cell, name, 1, 1, "") for cell, name in places])])
        assert [each.label for each in facts.properties] == ["one: order", "keys", "two: order", "time"]

    def test_items_are_compared_with_the_rest_from_ten_students_on(self) -> None:
        """One that goes against the rest has a negative figure."""
        made = [result(f"s{number}", number % 3, number % 3, 2 - number % 3) for number in range(10)]
        with_rest = [each.with_rest for each in class_facts(made).properties]
        assert with_rest[2] is not None
        assert round(with_rest[2], 9) == -1
        assert [each.with_rest for each in class_facts(made[:9]).properties] == [None] * 3

    def test_what_a_person_decides_is_no_lost_point(self) -> None:
        """Not in the mean, and not among those without points."""
        undecided = Score("cell", "order", 0, 2, "only pictures", needs_human=True)
        (facts,) = class_facts([StudentResult("a", [undecided])]).properties
        assert (facts.num_none, facts.num_open, facts.mean_share, facts.commonest_reason) == (0, 1, None, "")
        both = class_facts([StudentResult("a", [undecided]), StudentResult("b", [Score("cell", "order", 2, 2, "")])])
        assert both.properties[0].mean_share == 1
        assert [tuple(bar.x) for bar in figures.difficulty(both).data] == [(1,), (0,), (0,), (1,)]

    def test_points_that_are_still_to_be_given_are_said(self) -> None:
        """At the top of the page, with how many; and not when there are none."""
        made = page("A", [result("a", 2, is_unfinished=True), result("b", 2)], judging="probes")
        assert "not finished" in made
        assert "1 of 2 submissions" in made
        assert "not finished" not in page("A", [result("a", 2)], judging="probes")

    def test_what_was_not_graded_is_no_zero(self) -> None:
        """It is told as a failure, and counts in no mean."""
        facts = class_facts([result("a", 2), StudentResult("b", [], failure="the worker died twice")])
        assert facts.mean == 2
        assert facts.noted == {"b": ["the worker died twice"]}

    def test_nobody_is_an_empty_page_and_no_error(self) -> None:
        """Before the first submission."""
        assert class_facts([]).median is None
        assert "0 submissions" in page("first", [], judging="evidence")


class TestPage:
    """The document."""

    def test_what_students_wrote_is_text(self) -> None:
        """In names, reasons, flags, stops, answers to quizzes and control characters of a terminal."""
        nasty = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[31m"
        made = page(
            nasty,
            [
                result(
                    nasty, 0, reason=nasty, flags=[nasty], stops=[Stop("died", nasty, nasty)],
                    usage=Usage(1.0, 1.0, 50 * MIB), rung="namespaces",
                )
            ],
            judging="evidence",
            quiz_items=[Item(nasty, 1, 0, 0.5, None, ((nasty, 1),))],
            similar=[nasty],
        )  # fmt: skip
        plain = _Scripts(page("first", [result("a", 0, usage=Usage(1.0, 1.0, 50 * MIB))], judging="evidence"))
        seen = _Scripts(made)
        assert seen.tags.count("script") == plain.tags.count("script")
        assert "img" not in seen.tags
        assert seen.events == []
        assert "\x1b" not in made

    def test_nothing_is_fetched(self) -> None:
        """No address in any tag, and a policy that closes the network."""
        made = page("first", [result("a", 2)], judging="probes")
        assert _Scripts(made).addresses == []
        assert "default-src 'none'" in made

    def test_asserts_are_said_to_be_forgeable_and_others_are_not(self) -> None:
        """On the page that an instructor reads."""
        assert "forgeable" in page("first", [], judging="asserts")
        assert "forgeable" not in page("first", [], judging="probes")

    def test_each_student_flag_and_slowest_is_in_a_table(self) -> None:
        """For those who cannot see the charts."""
        made = page(
            "first",
            [result("ada", 2, usage=Usage(3.5, 1.0, 64 * MIB)), result("bob", 0, flags=["A cell is missing."])],
            judging="evidence",
        )
        cells = re.findall(r"<td[^>]*>([^<]*)</td>", made)
        assert {"ada", "bob", "A cell is missing.", "3.50", "64"} <= set(cells)

    def test_the_charts_hold_the_same_numbers(self) -> None:
        """Points, and who has all, some or none of a property."""
        results = [result("a", 2), result("b", 1), result("c", 0)]
        facts = class_facts(results)
        assert list(figures.distribution(facts).data[0].x) == [0, 1, 2]
        assert [tuple(bar.x) for bar in figures.difficulty(facts).data] == [(1,), (1,), (1,)]
