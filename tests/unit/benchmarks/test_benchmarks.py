"""The parts of the benchmarks that can be wrong without a cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import beside_apache, load, run, systems


def test_peer_names_address_and_processes() -> None:
    """NAME=ADDRESSES@PIDS is read with all its parts."""
    peer = systems.parse_peer("Apache Kafka=127.0.0.1:1,127.0.0.1:2@10,20")

    assert peer == systems.System("Apache Kafka", "127.0.0.1:1,127.0.0.1:2", (10, 20))


@pytest.mark.parametrize("text", ["127.0.0.1:1@10", "name=127.0.0.1:1", "name=@10", "name=127.0.0.1:1@", "name=a:1@x"])
def test_peer_that_lacks_a_part_is_refused(text: str) -> None:
    """A figure without its processes would have no CPU, so half a peer is an error."""
    with pytest.raises(ValueError, match=r"is not NAME|invalid literal"):
        systems.parse_peer(text)


def test_payload_has_the_records_that_were_asked_for(tmp_path: Path) -> None:
    """Each line is one record of the asked size; the newline is kcat's, not the record's."""
    lines = load.payload(tmp_path, 100, 2_000_000).read_bytes().splitlines()

    assert len(lines) == 20_000
    assert {len(line) for line in lines} == {100}


def test_table_shows_medians_and_the_ratio_to_the_first_peer() -> None:
    """The last column is ours over theirs; a figure that one side lacks has a dash."""
    results = run.Results()
    for value in (1.0, 9.0, 2.0):
        results.add("speed", "embedded", value)
    results.add("speed", "peer", 4.0)
    results.add("start", "embedded", 0.25)

    rows = run.table(results.medians()).splitlines()

    assert rows[0] == "| figure | embedded | peer | embedded / peer |"
    assert rows[2:] == ["| speed | 2 | 4 | 0.50 |", "| start | 0.25 | - | - |"]


def test_second_part_writes_a_file_of_its_own() -> None:
    """The idle part must not overwrite the JSON of the load part."""
    assert beside_apache._other_file(["--json", "out/a.json"], "idle") == ["--json", "out/a-idle.json"]  # noqa: SLF001
