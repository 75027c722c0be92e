"""The checks of lab 08, "The Confluent CLI". Each is a pure function of what the practice CLI has, and the answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from kit.checks.evidence import Evidence, SeenRecord
from kit.checks.practice_facts import PracticeCluster, PracticeFacts
from kit.checks.registry import judge, title
from kit.checks.result import CheckResult

NAME, CLOUD, REGION = "msds682", "gcp", "us-west1"
ORDERS = "orders"
_KEY_GUESSES = ("send", "read", "both")
_CLUSTER_GUESSES = ("ended", "goes on")

title("08", "The Confluent CLI")


@judge("08.cluster")
def cluster(evidence: Evidence, answer: Any) -> CheckResult:
    """Is the cluster in use the one that the class agreed on? Needs no answer."""
    del answer  # what there is decides
    name = "08.cluster"
    facts = _facts(evidence)
    current = _current(facts)
    if current is None:
        return _no_cluster(name, facts)
    wrong = [
        f"{what} is {is_!r}, agreed is {wanted!r}"
        for what, is_, wanted in (
            ("its name", current.name, NAME),
            ("its cloud", current.cloud, CLOUD),
            ("its region", current.region, REGION),
        )
        if is_ != wanted
    ]
    where = f"Kafka cluster {current.id}"
    if wrong:
        hint = "A cluster cannot move. Correct the cell and run it again: it makes a second one and uses that."
        return CheckResult(name, False, f"Of the cluster in use, {' and '.join(wrong)}.", where, hint)
    if not current.is_running:
        hint = "Run %confluent kafka cluster describe: the practice CLI starts it again."
        return CheckResult(name, False, "The cluster is the right one, but its brokers do not answer.", where, hint)
    others = len(facts.clusters) - 1
    note = f" {others} more to delete at the end: each would be paid for." if others else ""
    return CheckResult(name, True, f"{NAME} runs in {CLOUD}, {REGION}, and is in use.{note}", where)


@judge("08.orders")
def orders(evidence: Evidence, answer: Any) -> CheckResult:
    """Did orders with a key arrive, and all of one customer in one partition? Needs no answer."""
    del answer
    name, where = "08.orders", f"topic {ORDERS}"
    current = _current(_facts(evidence))
    if current is None or not current.has_key:
        hint = "Run the cells above, from the top: a cluster, a key, the topic, and then the orders."
        return CheckResult(name, False, "There is no cluster with an API key in use.", "the practice desk", hint)
    records = evidence.records(ORDERS)
    if not records:
        hint = "Create the topic and produce to it: run the two cells above."
        return CheckResult(name, False, f"There is no record in {ORDERS}.", where, hint)
    places = _partitions_by_key(records)
    repeated = {key: partitions for key, partitions in places.items() if len(partitions) > 1}
    if not repeated:
        newest = max(records, key=lambda record: record.timestamp_ms)
        at = f"{where}, partition {newest.partition}, offset {newest.offset}"
        happened = (
            f"No customer has two orders by key. The newest record has {_key(newest)}, its value is {_value(newest)}."
        )
        hint = "Without --parse-key the whole line is the value, name and all. Add it to the command, and run the cell."
        return CheckResult(name, False, happened, at, hint)
    key, partitions = next(iter(repeated.items()))
    customer = key.decode("utf-8", "backslashreplace")
    if len(set(partitions)) > 1:
        happened = f"The orders of {customer} are in partitions {sorted(set(partitions))}."
        hint = "Two clients with different ideas? Delete the topic, create it, and produce with the CLI alone."
        return CheckResult(name, False, happened, where, hint)
    happened = (
        f"All {len(partitions)} orders of {customer} are in partition {partitions[0]}, in the order that you typed."
    )
    return CheckResult(name, True, happened, f"{where}, partition {partitions[0]}")


@judge("08.key")
def key(evidence: Evidence, answer: Any) -> CheckResult:
    """What does an API key let you do? ``answer``: "send", "read" or "both"."""
    name = "08.key"
    facts = _facts(evidence)
    current = _current(facts)
    if current is None or not current.has_key:
        hint = "Run %confluent api-key create, and %confluent api-key use: the cells above do both."
        return CheckResult(name, False, "No API key is in use.", "the practice desk", hint)
    records = evidence.records(ORDERS)
    where = f"Kafka cluster {current.id}, topic {ORDERS}"
    if not records:
        hint = f"Produce something to {ORDERS} first: the key has not been used for anything yet."
        return CheckResult(name, False, "The key has sent nothing yet.", where, hint)
    facts_text = f"The one key in use has sent {len(records)} records, and this check has just read them with it."
    if answer == "both":
        return CheckResult(name, True, f"Your guess fits. {facts_text}", where)
    known = answer in _KEY_GUESSES
    hint = "What did the key do, then?" if known else f"Set it to one of {', '.join(map(repr, _KEY_GUESSES))}."
    return CheckResult(name, False, f"Your guess is {answer!r}. {facts_text}", where, hint)


@judge("08.logout")
def logout(evidence: Evidence, answer: Any) -> CheckResult:
    """What becomes of the cluster when you log out? ``answer``: "ended" or "goes on"."""
    name, where = "08.logout", "the practice desk"
    facts = _facts(evidence)
    if facts.is_logged_in:
        hint = "Run %confluent logout first, and then this check."
        return CheckResult(name, False, "You are logged in.", where, hint)
    running = [each for each in facts.clusters if each.is_running]
    if not running:
        hint = "Run the cells above, from the top: this check wants to see a cluster."
        return CheckResult(name, False, "There is no cluster that could go on.", where, hint)
    takes, it = ("takes", "it") if len(running) == 1 else ("take", "they")
    found = (
        f"Nobody is logged in, and {_listed(running)} still {takes} connections. "
        f"In the cloud {it} would still cost money."
    )
    if answer == "goes on":
        return CheckResult(name, True, f"Your guess fits. {found}", f"Kafka cluster {running[0].id}")
    known = answer in _CLUSTER_GUESSES
    hint = "Logging out ends your session, and nothing else." if known else 'Set my_guess to "ended" or "goes on".'
    return CheckResult(name, False, f"Your guess is {answer!r}. {found}", f"Kafka cluster {running[0].id}", hint)


@judge("08.clean")
def clean(evidence: Evidence, answer: Any) -> CheckResult:
    """Is anything left behind? Needs no answer."""
    del answer
    name, where = "08.clean", "the practice desk"
    facts = _facts(evidence)
    left = [f"Kafka cluster {each.id} ({each.name})" for each in facts.clusters]
    left += [f"environment {id_} ({words})" for id_, words in facts.environments]
    left += [f"API key {each}" for each in facts.api_keys]
    known = {each.id for each in facts.clusters}
    left += [f"a process of {each}" for each in facts.processes if each not in known]
    if left:
        hint = (
            "Delete each cluster (its keys go with it), then the environment: %confluent kafka cluster delete ID "
            "--force, %confluent environment delete ID --force. The commands that end in list show what there is."
        )
        return CheckResult(name, False, f"Left behind: {', '.join(left)}.", where, hint)
    if not facts.deleted_clusters:
        hint = "Go through the lab from the top, and hand in the desk: kit.check(..., desk)."
        happened = "The desk is empty, but no Kafka cluster has ever been on it: nobody has cleaned up here."
        return CheckResult(name, False, happened, where, hint)
    gone = "One Kafka cluster was" if facts.deleted_clusters == 1 else f"{facts.deleted_clusters} Kafka clusters were"
    happened = f"{gone} deleted. No environment, no cluster, no API key, no process is left behind."
    return CheckResult(name, True, happened, where)


def _facts(evidence: Evidence) -> PracticeFacts:
    """What the practice CLI has; nothing when something else was handed to the check."""
    found = getattr(evidence, "practice", None)
    return found if isinstance(found, PracticeFacts) else PracticeFacts()


def _current(facts: PracticeFacts) -> PracticeCluster | None:
    return next((each for each in facts.clusters if each.is_current), None)


def _no_cluster(name: str, facts: PracticeFacts) -> CheckResult:
    there = _listed(facts.clusters)
    happened = f"There is {there}, but none is in use." if facts.clusters else "There is no Kafka cluster."
    hint = "Run the cells above, from the top, and hand in the desk: kit.check(..., desk)."
    if facts.clusters:
        hint = f"Choose one: %confluent kafka cluster use {facts.clusters[-1].id}"
    return CheckResult(name, False, happened, "the practice desk", hint)


def _listed(clusters: Sequence[PracticeCluster]) -> str:
    return " and ".join(f"{each.name} ({each.id})" for each in clusters)


def _partitions_by_key(records: Sequence[SeenRecord]) -> dict[bytes, list[int]]:
    found: dict[bytes, list[int]] = defaultdict(list)
    for record in records:
        if record.key:
            found[record.key].append(record.partition)
    return found


def _key(record: SeenRecord) -> str:
    return f"the key {record.key!r}" if record.key else "no key"


def _value(record: SeenRecord) -> str:
    text = (record.value or b"").decode("utf-8", "backslashreplace")
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
