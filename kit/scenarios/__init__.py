"""The lecture's own figures, replayed with one call on a running cluster: predict, run, see.

``kit.scenarios.cut_acks_1`` shows its question, ``kit.scenarios.cut_acks_1(cluster)`` replays it and returns a
`ScenarioResult`; without a cluster it starts its own. On yours it ends every fault first and last: it heals the
network, lets paused brokers go on and starts dead ones. Clients are kafka-python's, used as in a lab.
"""

from kit.scenarios.coordinators import coordinator_failover
from kit.scenarios.cuts import cut_acks_1, cut_acks_all
from kit.scenarios.four_brokers import four_brokers
from kit.scenarios.leader_death import leader_dies
from kit.scenarios.reading import follower_reads
from kit.scenarios.refusals import not_enough_replicas
from kit.scenarios.result import Ending, ScenarioResult, Step
from kit.scenarios.scenario import AnyScenario, Scenario
from kit.scenarios.stage import mend
from kit.scenarios.tools import Tools, is_running
from kit.scenarios.unclean import unclean_election

ALL: tuple[AnyScenario, ...] = (
    four_brokers,
    cut_acks_1,
    cut_acks_all,
    not_enough_replicas,
    follower_reads,
    unclean_election,
    coordinator_failover,
)

__all__ = [
    "ALL", "Ending", "Scenario", "ScenarioResult", "Step", "Tools",
    "coordinator_failover", "cut_acks_1", "cut_acks_all", "follower_reads", "four_brokers",
    "is_running", "leader_dies", "mend", "not_enough_replicas", "unclean_election",
]  # fmt: skip
