"""Random lives of groups: members come, go, crash and restart, coordinators fail over, logs stall.

Every run is made of events that Hypothesis picks (and makes fewer when one fails). The members react at once, inside
the answer they get, as clients in one event loop with the broker do.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.wire.errors import ErrorCode

REJOIN_AFRESH = {ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.ILLEGAL_GENERATION, ErrorCode.GROUP_MAX_SIZE_REACHED}


class History:
    """What members were told, and what must be true of it."""

    def __init__(self):
        self.plans = {}  # generation_id -> the plan its members got: one leader, one assignment
        self.acknowledged = {}  # partition -> highest offset whose commit was acknowledged
        self.seen = {}  # partition -> highest offset that was ever fetched
        self.next_number = 1

    def number(self):
        """A number that was never used before."""
        self.next_number += 1
        return self.next_number

    def assigned(self, member, generation_id, assignment):
        """A member of this generation got its assignment."""
        plan, owner = assignment.decode().split("/")
        assert owner == member.identity, "a member got another member's assignment"
        assert self.plans.setdefault(generation_id, plan) == plan, "one generation, two assignments"
        assert generation_id >= member.synced_generation, "a member went back to an older generation"
        member.synced_generation = generation_id

    def fetched(self, offsets):
        """Somebody looked at the committed offsets."""
        for partition, offset in self.acknowledged.items():
            assert offsets.get(("listens", partition), -1) >= offset, "an acknowledged commit is lost"
        for (_, partition), offset in offsets.items():
            assert offset >= self.seen.get(partition, -1), "a committed offset went backwards"
            self.seen[partition] = offset


class Member:
    """A consumer that does what clients do; ``instance`` makes it static."""

    def __init__(self, lab, history, identity, instance=None):
        self.lab = lab
        self.history = history
        self.identity = identity  # keeps its value over restarts of a static member
        self.instance = instance
        self.alive = True
        self.member_id = ""
        self.generation_id = -1
        self.synced_generation = -1
        self.waiting = False
        self.stable = False
        self.metadata = {"range": identity.encode()}

    def join(self):
        """Send JoinGroup; what comes back drives the rest."""
        self.stable, self.waiting = False, True
        self.lab.ask_join(self.member_id, instance=self.instance, protocols=self.metadata).then(self._joined)

    def _joined(self, response):
        if not self.alive:
            return
        self.waiting = False
        if self._failed(response.error_code):
            return
        if response.error_code == ErrorCode.MEMBER_ID_REQUIRED:
            self.member_id = response.member_id
            self.join()
            return
        self.member_id, self.generation_id = response.member_id, response.generation_id
        plan = None
        if response.leader == self.member_id and not response.skip_assignment:
            number = self.history.number()
            plan = {each.member_id: f"{number}/{each.metadata.decode()}".encode() for each in response.members}
            assert self.member_id in plan, "a leader is not among its members"
        self.waiting = True
        self.lab.sync(response, plan, instance=self.instance).then(self._synced)

    def _synced(self, response):
        if not self.alive:
            return
        self.waiting = False
        if not self._failed(response.error_code):
            self.stable = True
            self.history.assigned(self, self.generation_id, response.assignment)

    def _failed(self, code):
        """Whether a request failed; on the next tick the member starts again."""
        if code in REJOIN_AFRESH:
            self.member_id = ""
        if code == ErrorCode.FENCED_INSTANCE_ID:
            self.alive = False
        self.stable = self.stable and code == ErrorCode.NONE
        return code not in {ErrorCode.NONE, ErrorCode.MEMBER_ID_REQUIRED}

    def tick(self):
        """All members poll once, in any order."""
        """One turn of its poll loop: heartbeat, and join when it has to."""
        if not self.alive or self.waiting:
            return
        if self.stable:
            self._failed(self.lab.heartbeat(self.member_id, self.generation_id, instance=self.instance))
        if self.alive and not self.stable:
            self.join()

    def commit(self, partition):
        """Every member commits something."""
        """Commit a number that is higher than any before."""
        if not (self.alive and self.stable):
            return
        offset = self.history.number()

        def committed(response):
            if response.topics[0].partitions[0].error_code == ErrorCode.NONE:
                self.history.acknowledged[partition] = max(offset, self.history.acknowledged.get(partition, -1))

        answer = self.lab.commit(
            {partition: offset},
            member_id=self.member_id,
            generation_id=self.generation_id,
            group_instance_id=self.instance,
        )
        answer.then(committed)

    def leave(self):
        """Say goodbye."""
        self.alive = False
        self.lab.leave((self.member_id, self.instance))


class Simulation:
    """One run: a lab, its members, and the events that happen to them."""

    def __init__(self, lab):
        self.lab = lab
        self.history = History()
        self.members = []
        self.started = 0

    def play(self, event, seed):
        """Let one event happen, and check what must be true at any time."""
        chance = random.Random(seed)
        getattr(self, event)(chance)
        self.lab.clock.advance(0)
        self.check()

    def living(self):
        """The members whose process runs."""
        return [member for member in self.members if member.alive]

    def start(self, _chance):
        """A dynamic member comes."""
        if len(self.living()) < 5:
            self.started += 1
            self.members.append(Member(self.lab, self.history, f"dynamic-{self.started}"))
            self.members[-1].join()

    def start_static(self, chance):
        """A static member comes, or comes back."""
        instance = f"static-{chance.randrange(3)}"
        for member in self.living():
            if member.instance == instance:
                member.alive = False  # the process was restarted: the old one is no more
        self.members.append(Member(self.lab, self.history, instance, instance))
        self.members[-1].join()

    def crash(self, chance):
        """A member falls silent."""
        if self.living():
            chance.choice(self.living()).alive = False

    def leave(self, chance):
        """A member says goodbye."""
        if self.living():
            chance.choice(self.living()).leave()

    def subscribe_anew(self, chance):
        """A member rejoins with other metadata; the prefix stays, it names the member."""
        for member in self.living()[:1]:
            if member.stable:
                member.metadata = {"range": member.identity.encode(), f"extra-{chance.randrange(9)}": b""}
                member.join()

    def time_passes(self, chance):
        """A while passes without any request, then all members poll."""
        self.lab.clock.advance(chance.choice([10, 1_000, 3_000, 9_000, 30_000]))
        self.tick(chance)

    def tick(self, chance):
        """All members poll once, in any order."""
        for member in chance.sample(self.members, len(self.members)):
            member.tick()
            self.lab.clock.advance(0)

    def commit(self, chance):
        """Every member commits something."""
        for member in self.living():
            member.commit(chance.randrange(3))

    def fail_over(self, _chance):
        """The next coordinator has everything, which thereby is committed."""
        self.lab.fail_over()
        self.lab.log.release()

    def fail_over_with_loss(self, _chance):
        """The next coordinator lacks what was not committed."""
        self.lab.coordinator.close()
        self.lab.log.truncate()
        self.lab.coordinator = self.lab.new_coordinator()

    def log_stalls(self, _chance):
        """What is appended from now on is not committed."""
        self.lab.log.hold = True

    def log_goes_on(self, _chance):
        """What was held back is committed, and appends succeed again."""
        self.lab.log.refuse = None
        self.lab.log.release()

    def log_refuses(self, _chance):
        """Appends fail from now on."""
        self.lab.log.refuse = ErrorCode.NOT_ENOUGH_REPLICAS

    def check(self):
        """Look at what is committed."""
        self.history.fetched(self.lab.committed())

    def calm_down(self):
        """All faults end: the living must find each other in one stable generation."""
        self.log_goes_on(None)
        for _ in range(60):
            self.lab.clock.advance(3_000)
            self.tick(random.Random(0))
            self.check()


EVENTS = [
    name
    for name, count in {
        "start": 4,
        "start_static": 3,
        "crash": 2,
        "leave": 2,
        "subscribe_anew": 2,
        "time_passes": 8,
        "tick": 8,
        "commit": 4,
        "fail_over": 2,
        "fail_over_with_loss": 2,
        "log_stalls": 1,
        "log_goes_on": 2,
        "log_refuses": 1,
    }.items()
    for _ in range(count)
]


def run(simulation, events):
    """Play the events, then let everything calm down and see who is there."""
    for event, seed in events:
        simulation.play(event, seed)
    simulation.calm_down()
    living = simulation.living()
    described = simulation.lab.describe(version=5)
    if not living:
        assert described.group_state in {"Empty", "Dead"}
        return
    assert described.group_state == "Stable"
    assert {each.member_id for each in described.members} == {member.member_id for member in living}
    assert len({member.generation_id for member in living}) == 1
    assert all(member.stable for member in living)


@settings(max_examples=200)
@given(
    events=st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 99)), min_size=1, max_size=60),
    initial_delay_ms=st.sampled_from([0, 2_000]),
)
def test_group_keeps_its_promises(make_lab, events, initial_delay_ms):
    """Whatever happens: one assignment per generation, none for somebody else, no commit lost, and peace in the end."""
    run(Simulation(make_lab(initial_rebalance_delay_ms=initial_delay_ms)), events)


@pytest.mark.parametrize("seed", range(12))
def test_group_keeps_its_promises_for_long(make_lab, seed):
    """The same over a long life, in which much has happened."""
    chance = random.Random(seed)
    simulation = Simulation(make_lab(initial_rebalance_delay_ms=chance.choice([0, 2_000])))
    run(simulation, [(chance.choice(EVENTS), chance.randrange(1_000_000)) for _ in range(400)])

    assert len(simulation.history.plans) > 3
