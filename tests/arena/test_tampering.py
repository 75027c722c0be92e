"""What a student's code can try against the arena's cluster: harmless, and seen."""

from __future__ import annotations

from collections import Counter

from autograder.arena import play
from autograder.doctor.clusters import ATTACKS, STEPS
from autograder.job import Job
from autograder.judge.consuming import committed_unread
from autograder.judge.evidence import STANDARD, Rule, cases_of, judged
from autograder.judge.tampering import foreign_records, tampering
from tests.support.arena import plain_sessions


def test_tampering_is_harmless_and_seen() -> None:
    """Forged requests are refused, every change is in the journal, and there are no points."""
    topics = {"orders": {"partitions": 1}, "spare": {"partitions": 1}}
    plan = {"runs": [{"name": "attack", "topics": topics, "records": {"count": 20}, "steps": STEPS}]}
    (evidence,) = play(Job("eve", "surviving", {}, arena=plan), plain_sessions(ATTACKS), apart=False)
    assert [(step["name"], step["error"]) for step in evidence["steps"] if step["error"]] == []
    assert set(evidence["steps"][1]["value"].values()) <= {0, "ConnectionResetError"}
    assert evidence["is_complete"]
    (case,) = cases_of([evidence], "orders")
    refused = Counter(entry["state"] for entry in evidence["entries"] if entry["reason"])
    assert refused["refused"] == 10
    texts = " ".join(found.text for found in tampering(case))
    assert "only brokers send" in texts
    assert "as if it were broker 2" in texts
    assert "DeleteRecords" in texts
    assert "DeleteTopics" in texts
    assert "begins at offset 2" in texts
    assert [found.text for found in committed_unread(case)] == [
        "Offset 5 of orders-0 was committed, and nobody had fetched beyond 0."
    ]
    assert ["'mine'" in found.text for found in foreign_records(case)] == [True]
    (score,) = judged([case], [Rule("cell", "order", 2.0, *STANDARD["order"])])
    assert (score.points, "tampered" in score.reason) == (0.0, True)
