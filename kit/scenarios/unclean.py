"""An election among replicas that are out of sync: a partition without a leader, or one without its records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kit.scenarios.clients import Sent
from kit.scenarios.result import Ending, Step
from kit.scenarios.scenario import Scenario
from kit.scenarios.stage import Stage
from kit.scenarios.wording import all_acknowledged, answers, listed


@dataclass(frozen=True, slots=True)
class UncleanFacts:
    """What was seen of two topics that differ in `unclean.leader.election.enable` alone.

    Attributes:
        last, behind: the broker that was in sync last, and the one that was not.
        kept, only_last: sent while both were in sync, and while only ``last`` was, to each topic.
        clean_leader, unclean_leader: who led each topic while ``last`` was dead and ``behind`` alive; None for nobody.
        reason: of the unclean election, as the timeline has it.
        after: sent to the unclean topic's new leader.
    """

    clean: str
    unclean: str
    last: int
    behind: int
    kept: Sequence[Sent]
    only_last: Sequence[Sent]
    clean_leader: int | None
    unclean_leader: int | None
    reason: str
    after: Sequence[Sent]


def play(stage: Stage) -> UncleanFacts:
    """Kill the follower, write, kill the leader, and start the follower: it has less than was acknowledged."""
    last, behind = stage.broker_ids[:2]
    clean, unclean = (
        stage.topic(base, [[last, behind]], **{"min.insync.replicas": "1", "unclean.leader.election.enable": setting})
        for base, setting in (("clean", "false"), ("unclean", "true"))
    )
    writer = stage.writer("producer")
    kept = writer.write(clean) + writer.write(unclean)
    stage.cluster.kill(behind)
    for topic in (clean, unclean):
        stage.wait_for_isr(topic, {last})
    only_last = writer.write(clean, 2) + writer.write(unclean, 2)
    stage.cluster.kill(last)
    stage.cluster.restart(behind)
    clean_leader = stage.wait_for(clean, lambda now: now.leader != last, "no leader").leader
    unclean_leader = stage.wait_for(unclean, lambda now: now.leader not in {last, None}, "another leader").leader
    elections = stage.events("leader_elected", unclean)
    after = stage.writer("producer afterwards", set(stage.broker_ids) - {last}).write(unclean)
    return UncleanFacts(
        clean=clean,
        unclean=unclean,
        last=last,
        behind=behind,
        kept=kept,
        only_last=only_last,
        clean_leader=clean_leader,
        unclean_leader=unclean_leader,
        reason=elections[-1].details["reason"] if elections else "the timeline does not say why",
        after=after,
    )


def tell(facts: UncleanFacts, ending: Ending) -> list[Step]:
    """What became of both topics."""
    lost = ending.report.by_name("lost-write")
    lost_topics = {finding.topic for finding in lost}
    at_risk = [each.value for each in facts.only_last if each.topic == facts.unclean]
    safe = [each.value for each in facts.only_last if each.topic == facts.clean]
    cuts = ending.events("truncated", facts.unclean)
    return [
        Step(
            f"Broker {facts.behind} was killed; records were sent with acks=all to two topics led by broker "
            f"{facts.last}, with min.insync.replicas=1.",
            f"{answers(facts.only_last)}. Broker {facts.last} was the only replica in sync.",
            all_acknowledged(facts.kept) and all_acknowledged(facts.only_last),
        ),
        Step(
            f"Broker {facts.last} was killed and broker {facts.behind} started.",
            f"The topic without unclean elections was led by {facts.clean_leader or 'nobody'}, the other one by broker "
            f"{facts.unclean_leader} ({facts.reason}).",
            facts.clean_leader is None and facts.unclean_leader == facts.behind,
            {"clean": facts.clean_leader, "unclean": facts.unclean_leader, "reason": facts.reason},
        ),
        Step(
            "A record was sent to the topic that had a leader.",
            f"{answers(facts.after)}.",
            all_acknowledged(facts.after),
            {"offsets": [each.offset for each in facts.after]},
        ),
        Step(
            f"Broker {facts.last} came back.",
            f"{' '.join(each.text for each in cuts)} The topic without unclean elections has all: "
            f"{listed(ending.values(facts.clean))}.",
            bool(cuts)
            and set(safe) <= set(ending.values(facts.clean))
            and not set(at_risk) & set(ending.values(facts.unclean)),
            {"clean": ending.values(facts.clean), "unclean": ending.values(facts.unclean)},
        ),
        Step(
            "kit.history judged what the clients were told.",
            " ".join(finding.text for finding in lost) if lost else "It found no lost write.",
            len(lost) == len(at_risk) > 0 and lost_topics == {facts.unclean},
            {"counts": ending.report.counts},
        ),
    ]


unclean_election = Scenario(
    name="unclean_election",
    title="An unclean election",
    question=(
        "The follower dies; the leader goes on alone, and then dies too. The follower comes back: it lacks the last "
        "records. Shall it lead? Two topics differ in unclean.leader.election.enable alone: what happens to the one "
        "where it is true?"
    ),
    choices=(
        "nobody leads, so nothing is lost",
        "the follower leads, and nothing is lost",
        "the follower leads, and some are lost",
    ),
    answer="the follower leads, and some are lost",
    rules=(
        "Without unclean elections (the default) the topic has no leader until the last one in sync is back, and keeps "
        "everything. With them the follower leads at once, and what it lacks is lost, although acks=all was answered."
    ),
    play=play,
    tell=tell,
)
