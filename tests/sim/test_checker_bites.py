"""Settings that are known to be unsafe: the simulation must find the loss, or its silence would prove nothing."""

from __future__ import annotations

from dataclasses import replace

from kit.simulation.faults import Fault
from kit.simulation.producer import ProducerSettings
from kit.simulation.run import simulate
from kit.simulation.workload import Workload

SEED = 1
# Controllers on nodes of their own, so that all brokers but one can be down and their partitions still change hands.
OWN_CONTROLLERS = Workload(controllers=3, delivery_timeouts_ms=(30_000.0,))


def names(result):
    """What kinds of findings there are."""
    return {finding.name for finding in result.findings}


def test_acks_1_under_a_cut_loses_writes():
    """A leader that is cut off takes what only it will ever have."""
    workload = Workload(producer=ProducerSettings(acks=1, enable_idempotence=False))
    schedule = (Fault("isolate", 4_000.0, 1_000.0, None, {"node": 1}),)

    assert "lost-write" in names(simulate(SEED, workload, schedule))


def test_acks_all_under_the_same_cut_loses_nothing():
    """It is the setting that loses, not the cut."""
    schedule = (Fault("isolate", 4_000.0, 1_000.0, None, {"node": 1}),)

    assert simulate(SEED, Workload(), schedule).findings == []


ALONE = (
    Fault("kill", 5_000.0, 500.0, None, {"node": 2}),
    Fault("kill", 6_000.0, 500.0, None, {"node": 3}),
)
"""Broker 1 leads everything and is the only one in sync, from about 1.5 seconds on."""


def test_unclean_election_loses_writes():
    """A replica that was not in sync may lead, and what it lacks is gone."""
    settings = {"min.insync.replicas": "1", "unclean.leader.election.enable": "true"}
    workload = replace(OWN_CONTROLLERS, topic_config=settings)
    schedule = (*ALONE, Fault("kill", 6_000.0, 4_000.0, None, {"node": 1}))

    assert "lost-write" in names(simulate(SEED, workload, schedule))


def test_clean_election_under_the_same_faults_loses_nothing():
    """Without the permission the partitions wait for broker 1."""
    workload = replace(OWN_CONTROLLERS, topic_config={"min.insync.replicas": "1"})
    schedule = (*ALONE, Fault("kill", 6_000.0, 4_000.0, None, {"node": 1}))

    assert simulate(SEED, workload, schedule).findings == []


def test_min_insync_replicas_1_loses_writes_when_the_last_one_loses_its_power():
    """What only one broker has, and has not flushed, goes with its power."""
    workload = replace(OWN_CONTROLLERS, topic_config={"min.insync.replicas": "1"})
    schedule = (*ALONE, Fault("power_loss", 3_000.0, 4_000.0, None, {"node": 1}))

    assert "lost-write" in names(simulate(SEED, workload, schedule))


def test_min_insync_replicas_1_loses_nothing_when_the_last_one_only_crashes():
    """The same schedule with a plain crash: what was written is still there."""
    workload = replace(OWN_CONTROLLERS, topic_config={"min.insync.replicas": "1"})
    schedule = (*ALONE, Fault("kill", 3_000.0, 4_000.0, None, {"node": 1}))

    assert simulate(SEED, workload, schedule).findings == []
