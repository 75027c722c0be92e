"""The process that has an arena's clusters: what is mended at the end of a run stays so."""

from __future__ import annotations

from autograder.arena.host import Host


def test_nothing_is_harmed_once_a_run_is_over() -> None:
    """A rule that still waits when everything is mended never fires: a leader killed then would be nobody's work."""
    host = Host()
    try:
        host.start(1, {})
        host.create_topic("likes", 1, 1, {})
        late = {"high_watermark": 1, "topic": "likes", "partition": 0}
        host.witness([{"name": "kill", "when": late, "do": [{"fault": "kill", "node": 1}]}])
        assert host.finish()
        host.fill("likes", [["somebody", "a song"]])
        assert host.wait_until_settled()
        assert host.call("fired", {}) == []
        assert host.call("state", {})["nodes"]["1"] == "up"
    finally:
        host.stop()
