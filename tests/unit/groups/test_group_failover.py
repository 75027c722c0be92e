"""Failover: what a new coordinator knows is what the old one wrote, and what waits is told to look elsewhere."""

from __future__ import annotations

from kit.wire import messages as m
from kit.wire.errors import ErrorCode


def test_stable_group_goes_on_after_failover(lab):
    """Members find their generation, leader and assignment as they were, and need not rejoin."""
    leader, follower = lab.stable_group(2)
    before = lab.describe()
    lab.fail_over()

    assert lab.heartbeat(leader.member_id, 2) == lab.heartbeat(follower.member_id, 2) == ErrorCode.NONE
    assert lab.sync(follower).value.assignment == follower.member_id.encode()
    assert lab.describe() == before


def test_sessions_start_anew_after_failover(lab):
    """The new coordinator gives every member its whole session timeout."""
    member = lab.stable_group()[0]
    lab.clock.advance(9_999)
    lab.fail_over()
    lab.clock.advance(9_999)
    assert lab.heartbeat(member.member_id, 1) == ErrorCode.NONE

    lab.clock.advance(10_000)
    assert lab.state() == "Empty"


def test_rebalance_after_failover_goes_on_counting(lab):
    """Generations are never reused."""
    leader, _follower = lab.stable_group(2)
    lab.fail_over()
    answer = lab.ask_join(leader.member_id)
    lab.clock.advance(60_000)

    assert answer.value.generation_id == 3


def test_unfinished_rebalance_is_forgotten(lab):
    """Before the assignment is stored, the last stable generation is what counts."""
    leader = lab.stable_group()[0]
    waiting = lab.join()
    lab.fail_over()

    assert waiting.value.error_code == ErrorCode.NOT_COORDINATOR
    assert lab.state() == "Stable"
    assert lab.heartbeat(leader.member_id, 1) == ErrorCode.NONE


def test_waiting_sync_is_sent_to_new_coordinator(lab):
    """Who waits for an assignment when the coordinator goes is told NOT_COORDINATOR."""
    first = lab.join().value
    second = lab.join()
    lab.join(member_id=first.member_id)
    waiting = lab.sync(second.value)
    lab.coordinator.on_resigned(lab.coordinator.partition_for("g"))

    assert waiting.value.error_code == ErrorCode.NOT_COORDINATOR
    assert lab.heartbeat(first.member_id, 2) == ErrorCode.NOT_COORDINATOR


def test_waiting_commit_is_sent_to_new_coordinator(lab):
    """A commit that was on its way when the coordinator went may or may not have made it: the client asks again."""
    lab.log.hold = True
    answer = lab.commit({0: 1})
    lab.coordinator.on_resigned(lab.coordinator.partition_for("g"))

    assert answer.value.topics[0].partitions[0].error_code == ErrorCode.NOT_COORDINATOR


def test_resigned_coordinator_leaves_no_timers(lab):
    """Nothing of a group that lives elsewhere now may fire here."""
    lab.stable_group(2)
    lab.ask_join()
    lab.coordinator.close()

    assert lab.clock.pending() == 0


def test_election_told_again_changes_nothing(lab):
    """Brokers hear of the same epoch with every change of the partition; live groups must not be reset by it."""
    leader = lab.stable_group()[0]
    lab.ask_join()
    partition = lab.coordinator.partition_for("g")
    lab.coordinator.on_elected(partition, lab.epoch, iter(()))

    assert lab.heartbeat(leader.member_id, 1) == ErrorCode.NONE


def test_log_is_read_over_batches_on_end(lab):
    """The log may come in any portions of whole batches."""
    lab.stable_group()
    lab.commit({0: 1}, group="other")
    lab.log.batches = [[b"".join(batches)] if batches else [] for batches in lab.log.batches]
    lab.fail_over()

    assert lab.state() == "Stable"
    assert lab.committed("other") == {("listens", 0): 1}


def test_unreadable_log_has_no_coordinator(lab, caplog):
    """A broken log is reported, and its groups are not served with half of what they were."""
    lab.stable_group()
    partition = lab.coordinator.partition_for("g")
    lab.log.batches[partition][0] = lab.log.batches[partition][0][:-1] + b"\xff"
    broken = lab.log.batches[partition][0]
    lab.coordinator.on_resigned(partition)
    lab.coordinator.on_elected(partition, lab.epoch + 1, [broken[:57] + b"\0\0\0\x7f" + broken[61:]])

    assert lab.ask_join().value.error_code == ErrorCode.NOT_COORDINATOR
    assert f"__consumer_offsets-{partition} cannot be read" in caplog.text


def test_requests_while_loading(lab):
    """While the log is read most requests are told to wait; a heartbeat gets the benefit of the doubt."""
    member = lab.stable_group()[0]
    partition = lab.coordinator.partition_for("g")
    codes = []

    def slow_log():
        codes.append(lab.ask_join().value.error_code)
        codes.append(lab.heartbeat(member.member_id, 1))
        codes.append(lab.fetch().error_code)
        codes.append(lab.commit_codes({0: 1})[0])
        codes.append(lab.coordinator.list_groups(m.ListGroupsRequest()).error_code)
        yield from lab.log.batches[partition]

    lab.coordinator.on_elected(partition, lab.epoch + 1, slow_log())

    loading = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
    assert codes == [loading, ErrorCode.NONE, loading, loading, loading]
    assert lab.state() == "Stable"


def test_group_that_became_too_big_rebalances_after_failover(make_lab):
    """When group.max.size was lowered the members are told to rejoin, and the last ones are refused."""
    lab = make_lab()
    leader, follower = lab.stable_group(2)
    lab.config = type(lab.config)(initial_rebalance_delay_ms=0, max_size=1)
    lab.fail_over()

    assert lab.heartbeat(leader.member_id, 2) == ErrorCode.REBALANCE_IN_PROGRESS
    lab.ask_join(follower.member_id)
    assert lab.ask_join(leader.member_id).value.error_code == ErrorCode.GROUP_MAX_SIZE_REACHED
