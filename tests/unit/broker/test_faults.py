"""The state of the links: what gets through, how late, and what cannot be asked for."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from kit.broker.faults import FaultError, Links, api_key_of

PRODUCE, FETCH, VOTE = 0, 1, 52


@pytest.fixture
def links() -> Links:
    """Three nodes with nothing wrong between them."""
    return Links([1, 2, 3], random.Random(7))


def reachable(links: Links, ends: tuple[int | str, ...] = (1, 2, 3)) -> set[tuple[int | str, int | str]]:
    """The pairs of different ends of which the first can send a request to the second."""
    return {
        (source, target)
        for source in ends
        for target in ends
        if source != target and links.passes(source, target, api_key=FETCH, is_reply=False)
    }


EVERY_PAIR = {(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2)}


def test_links_are_quiet_until_a_fault_is_made(links: Links) -> None:
    """Whole links are told apart by one attribute."""
    assert links.is_quiet
    assert reachable(links) == EVERY_PAIR
    assert links.delay_ms(1, 2) == 0
    assert links.describe() == []


def test_cut_loses_messages_between_groups_in_both_directions(links: Links) -> None:
    """Within a group everything gets through."""
    assert links.cut([{1}, {2, 3}]) == "{1} from {2, 3}"

    assert reachable(links) == {(2, 3), (3, 2)}
    assert not links.is_quiet


def test_lifting_some_faults_leaves_the_others(links: Links) -> None:
    """Which is what those who wait in silence ask about."""
    links.drop(1, "requests", api_key=PRODUCE)
    links.drop(1, "requests", share=0.1)
    links.drop(2, "replies")
    assert links.may_lose("client", 1, api_key=FETCH, is_reply=False)
    links.drop(1, "requests", share=0)

    may_lose = [
        (api_key, is_reply, node_id)
        for api_key in (PRODUCE, FETCH)
        for is_reply in (False, True)
        for node_id in (1, 2)
        if links.may_lose(*(node_id, "client")[:: 1 if is_reply else -1], api_key=api_key, is_reply=is_reply)
    ]
    assert may_lose == [(PRODUCE, False, 1), (PRODUCE, True, 2), (FETCH, True, 2)]
    assert not links.may_lose(2, 2, api_key=FETCH, is_reply=True)
    links.isolate(3)
    assert links.may_lose(3, 1, api_key=FETCH, is_reply=True)


def test_slack_is_the_slowest_round_trip_until_all_has_arrived(links: Links) -> None:
    """What was sent over a slow link is under way still when the link is fast again."""
    links.slow(1, 200, 50)
    links.slow(2, 30)
    links.slow(3, 10)
    assert links.slack_ms == 560
    links.heal()
    assert links.slack_ms == 560
    links.slow(3, 10)
    links.relax()
    assert links.slack_ms == 20


@pytest.mark.parametrize(
    ("fault", "running", "joining"),
    [
        (lambda _: None, {1, 2, 3}, {1, 2, 3}),
        (lambda _: None, {1, 2}, {1, 2, 3}),
        (lambda _: None, {1}, set()),
        (lambda links: links.isolate(1), {1, 2, 3}, {2, 3}),
        (lambda links: links.isolate(1), {1, 2}, set()),
        (lambda links: links.cut([{1}, {2}]), {1, 2, 3}, {1, 2, 3}),
        (lambda links: links.cut([{1}, {2, 3}], one_way=True), {1, 2, 3}, {2, 3}),
        (lambda links: links.drop(1, "replies"), {1, 2}, set()),
        (lambda links: links.drop(1, "requests"), {1, 2, 3}, {1, 2, 3}),
        (lambda links: links.drop(1, "replies", share=0.9), {1, 2}, {1, 2, 3}),
        (lambda links: links.slow(1, 900), {1, 2}, {1, 2, 3}),
    ],
)
def test_node_can_join_where_a_majority_can_elect_somebody(
    links: Links, fault: Callable[[Links], Any], running: set[int], joining: set[int]
) -> None:
    """Both ways between those who elect; who joins only needs answers."""
    fault(links)
    assert {node_id for node_id in (1, 2, 3) if links.can_join(node_id, running, [1, 2, 3])} == joining


def test_cut_can_be_checked_and_not_made(links: Links) -> None:
    """For who cannot make one with clients, and still says first what would be wrong with any."""
    links.check_cut([{1}, {2, 3}], {"me": 1})
    with pytest.raises(FaultError, match="'me' cannot be in group 2"):
        links.check_cut([{1}, {2, 3}], {"me": 2})
    assert links.is_quiet


def test_one_way_cut_loses_only_what_the_first_group_sends(links: Links) -> None:
    """The others' messages arrive, and what they send to one another too; the answers to them are lost."""
    links.cut([{1}, {2}, {3}], one_way=True)

    assert reachable(links) == EVERY_PAIR - {(1, 2), (1, 3)}
    assert not links.passes(1, 2, api_key=FETCH, is_reply=True)
    assert links.passes(2, 1, api_key=FETCH, is_reply=True)


def test_nodes_in_no_group_reach_everybody(links: Links) -> None:
    """A bridge between two cut sides, as in Jepsen's partitions."""
    links.cut([{1}, {2}])

    assert reachable(links) == EVERY_PAIR - {(1, 2), (2, 1)}


def test_cuts_add_up_until_heal(links: Links) -> None:
    """A second cut does not mend the first."""
    links.cut([[1], [2]])
    links.cut([[2], [3]])
    assert reachable(links) == {(1, 3), (3, 1)}

    links.heal()
    assert reachable(links) == EVERY_PAIR
    assert links.is_quiet


def test_isolated_node_keeps_its_clients(links: Links) -> None:
    """It loses every other node and nothing else."""
    links.isolate(2)

    assert reachable(links) == {(1, 3), (3, 1)}
    for node_id in (1, 2, 3):
        assert links.passes("producer", node_id, api_key=PRODUCE, is_reply=False)
        assert links.passes(node_id, "producer", api_key=PRODUCE, is_reply=True)


def test_named_clients_are_on_a_side_of_a_cut(links: Links) -> None:
    """They lose the nodes of the other groups; clients that nobody placed reach every node."""
    text = links.cut([{1}, {2}], clients={"left": 0, "right": 1})

    for name, expected in {"left": {1, 3}, "right": {2, 3}, "elsewhere": {1, 2, 3}}.items():
        assert {node for node in (1, 2, 3) if links.passes(name, node, api_key=PRODUCE, is_reply=False)} == expected
        assert {node for node in (1, 2, 3) if links.passes(node, name, api_key=PRODUCE, is_reply=True)} == expected
    assert text == "{1} from {2}, client 'left' is with {1}, client 'right' is with {2}"


def test_no_fault_harms_what_a_node_sends_to_itself(links: Links) -> None:
    """A combined node's broker and controller share the process."""
    links.isolate(1)
    links.slow(1, 500)
    links.drop(1)

    assert links.passes(1, 1, api_key=FETCH, is_reply=False)
    assert links.delay_ms(1, 1) == 0


def test_slow_node_is_slow_in_both_directions_and_for_everybody(links: Links) -> None:
    """Its own delay counts once for each message; two slow nodes' delays add up."""
    links.slow(1, 200)
    links.slow(2, 30)

    assert [links.delay_ms(*ends) for ends in [(1, 3), (3, 1), (1, "client"), (1, 2), ("client", 3)]] == [
        200, 200, 200, 230, 0,
    ]  # fmt: skip
    links.slow(1, 50)
    assert links.delay_ms(1, 3) == 50
    links.slow(1, 0)
    links.slow(2, 0)
    assert links.is_quiet


def test_jitter_comes_on_top_of_the_delay_and_from_the_seed() -> None:
    """Every message has its own delay, the same ones in every run."""
    runs = []
    for _ in range(2):
        links = Links([1, 2], random.Random(3))
        links.slow(1, 100, jitter_ms=50)
        runs.append([links.delay_ms(1, 2) for _ in range(100)])

    assert runs[0] == runs[1]
    assert len(set(runs[0])) > 50
    assert all(100 <= delay_ms < 150 for delay_ms in runs[0])


def test_dropped_requests_never_arrive_and_dropped_replies_never_return(links: Links) -> None:
    """Which of the two it is decides whether the request was carried out."""
    links.drop(1, "requests")
    links.drop(2, "replies")

    assert not links.passes(3, 1, api_key=PRODUCE, is_reply=False)
    assert not links.passes("client", 1, api_key=PRODUCE, is_reply=False)
    assert links.passes(1, 3, api_key=PRODUCE, is_reply=False), "its own requests to others are not meant"
    assert links.passes(1, 3, api_key=PRODUCE, is_reply=True)
    assert links.passes(3, 2, api_key=PRODUCE, is_reply=False)
    assert not links.passes(2, 3, api_key=PRODUCE, is_reply=True)


def test_drop_can_be_of_one_api(links: Links) -> None:
    """Other requests get through; share=0 takes it back."""
    links.drop(1, "requests", api_key=VOTE)

    assert links.passes(2, 1, api_key=FETCH, is_reply=False)
    assert not links.passes(2, 1, api_key=VOTE, is_reply=False)
    assert links.describe() == ["100% of the Vote requests to node 1 get lost."]
    links.drop(1, "requests", share=0, api_key=VOTE)
    assert links.is_quiet


def test_share_of_the_messages_is_lost_by_the_seed() -> None:
    """A quarter is a quarter, and the same messages in every run."""
    runs = []
    for _ in range(2):
        links = Links([1, 2], random.Random(5))
        links.drop(1, share=0.25)
        runs.append([links.passes(2, 1, api_key=FETCH, is_reply=False) for _ in range(4_000)])

    assert runs[0] == runs[1]
    assert 850 < runs[0].count(False) < 1150


def test_look_tells_what_is_wrong_for_who_draws_it(links: Links) -> None:
    """Links between nodes are told one by one, a client's and lost requests only in words; healed, nothing is told."""
    links.cut([{1}, {2}], one_way=True, clients={"c": 1})
    links.slow(2, 20, 5)
    links.drop(3)

    assert json.loads(json.dumps(links.look())) == {
        "cut": [[1, 2]],
        "slow": [[2, 20, 5]],
        "texts": [
            "The network is cut: what {1} sends does not reach {2}, client 'c' is with {2}.",
            "Node 2's links are slower by 20 to 25 ms.",
            "100% of the requests to node 3 get lost.",
        ],
    }
    links.heal()
    assert links.look() == {"cut": [], "slow": [], "texts": []}


def test_state_moves_to_another_process_as_json(links: Links) -> None:
    """Loaded, it does and says the same, and whatever was there before is gone."""
    links.cut([{1}, {2, 3}], one_way=True, clients={"left": 0})
    links.isolate(3)
    links.slow(2, 20, jitter_ms=5)
    links.drop(1, "replies", share=0.5, api_key=FETCH)
    state = json.loads(json.dumps(links.dump()))
    other = Links([1, 2, 3], random.Random(7))
    other.drop(3)

    other.load(state)

    assert other.describe() == links.describe()
    assert other.describe() == [
        "The network is cut: what {1} sends does not reach {2, 3}, client 'left' is with {1}.",
        "The network is cut: {3} from {1, 2}.",
        "Node 2's links are slower by 20 to 25 ms.",
        "50% of the Fetch replies from node 1 get lost.",
    ]
    assert reachable(other, (1, 2, 3, "left")) == reachable(links, (1, 2, 3, "left"))
    assert other.dump() == links.dump()
    other.load(Links([1], random.Random(1)).dump())
    assert other.is_quiet


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (lambda links: links.isolate(4), "There is no node 4: this cluster has the nodes 1, 2 and 3"),
        (lambda links: links.isolate("1"), "There is no node '1'"),
        (lambda links: links.isolate(True), "There is no node True"),
        (lambda links: links.cut([{1}, {9}]), "There is no node 9"),
        (lambda links: links.cut([{1, "2"}, {3}]), "There is no node '2'"),
        (lambda links: links.cut([{1, 2}, {2, 3}]), "Node 2 is in two groups"),
        (lambda links: links.cut([{1, 2, 3}]), "two groups of nodes or more, not 1"),
        (lambda links: links.cut([]), "two groups of nodes or more, not 0"),
        (lambda links: links.cut([{1}, set()]), "A group of the cut is empty"),
        (lambda links: links.cut([{1}, {2}], clients={"c": 2}), "'c' cannot be in group 2.*from 0 to 1"),
        (lambda links: links.cut([{1}, {2}], clients={"c": -1}), "'c' cannot be in group -1"),
        (lambda links: links.cut([{1}, {2}], clients={5: 0}), "5 is not a client id"),
        (lambda links: links.slow(1, -5), "delay_ms=-5 is not a time.*0 or more"),
        (lambda links: links.slow(1, 5, -1), "jitter_ms=-1 is not a time"),
        (lambda links: links.slow(1, float("nan")), "delay_ms=nan"),
        (lambda links: links.slow(1, float("inf")), "delay_ms=inf"),
        (lambda links: links.slow(1, "200"), "delay_ms='200'"),
        (lambda links: links.slow(7, 5), "There is no node 7"),
        (lambda links: links.drop(7), "There is no node 7"),
        (lambda links: links.drop(1, "answers"), "what='answers' cannot be dropped: choose 'requests' or 'replies'"),
        (lambda links: links.drop(1, share=1.1), "share=1.1 is not a share.*from 0 to 1"),
        (lambda links: links.drop(1, share=-0.1), "share=-0.1"),
        (lambda links: links.drop(1, share=float("nan")), "share=nan"),
        (lambda links: links.drop(1, share=True), "share=True"),
        (lambda links: links.drop(1, api_key=9999), "no API 9999"),
    ],
)
def test_impossible_fault_is_refused_and_changes_nothing(
    links: Links, fault: Callable[[Links], Any], sentence: str
) -> None:
    """One clear error, and the faults that were there stay as they were."""
    links.cut([{1}, {2}])
    links.slow(3, 10)
    before = links.dump()

    with pytest.raises(FaultError, match=sentence):
        fault(links)

    assert links.dump() == before
    assert reachable(links) == EVERY_PAIR - {(1, 2), (2, 1)}


def test_nothing_to_heal_is_said(links: Links) -> None:
    """Most likely a broker is dead instead."""
    with pytest.raises(FaultError, match=r"nothing to heal.*restart\(\).*resume\(\)"):
        links.heal()


def test_lone_node_cannot_be_isolated() -> None:
    """There is nobody to cut it off from."""
    with pytest.raises(FaultError, match=r"alone in its cluster.*brokers=3"):
        Links([1], random.Random(1)).isolate(1)


def test_api_is_found_by_name_and_number() -> None:
    """In Kafka's spelling or nearly; a slip is answered with what was probably meant."""
    assert (api_key_of("Produce"), api_key_of("produce"), api_key_of(1)) == (PRODUCE, PRODUCE, FETCH)
    with pytest.raises(FaultError, match=r"no API 'Producer'.*did you mean.*Produce"):
        api_key_of("Producer")
    with pytest.raises(FaultError, match=r"no API 'xyz'.*'Fetch'"):
        api_key_of("xyz")
    with pytest.raises(FaultError, match="no API True"):
        api_key_of(True)
