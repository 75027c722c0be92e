"""What happens in the three streams: the same for everybody, and as skewed, bursty and ordered as it claims to be."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Callable

import pytest

from kit import datagen
from kit.datagen import cameras, music
from kit.datagen.basketball import GAMES_AT_ONCE, NUM_PERIODS
from kit.datagen.chance import Chance
from kit.datagen.events import ON_TIME_MS
from kit.datagen.stream import Stream

STREAMS = [datagen.listens, datagen.detections, datagen.plays]
GOLDEN = ["2ab6dec5cdc1773c", "75ad393bd595b559", "428a65f91b0f9706"]
Make = Callable[..., Stream[datagen.Event]]

each_stream = pytest.mark.parametrize("make", STREAMS, ids=lambda make: make.__name__)


def fingerprint(events: list[datagen.Event]) -> str:
    """What events are, down to the last byte."""
    digest = hashlib.sha256()
    for event in events:
        digest.update(b"%d %d %b %b" % (event.timestamp_ms, event.arrival_ms, event.key, event.value))
    return digest.hexdigest()[:16]


@pytest.mark.parametrize(
    ("make", "expected"),
    list(zip(STREAMS, GOLDEN, strict=True)),
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_events_are_the_same_everywhere(make: Make, expected: str) -> None:
    """The same seed gives these very bytes on every platform, in every Python, for ever: labs and checks rely on it."""
    assert fingerprint(make(seed=7, late=0.05, duplicates=0.02).take(20_000)) == expected


@each_stream
def test_iterating_again_begins_again(make: Make) -> None:
    """A stream is no iterator that is used up: whoever looks at it twice sees the same."""
    stream = make(seed=3, late=0.1)

    assert list(itertools.islice(stream, 500)) == list(itertools.islice(stream, 500)) == stream.take(500)


@each_stream
def test_seeds_differ(make: Make) -> None:
    """Other seeds give other events, also those with another sign."""
    assert len({fingerprint(make(seed=seed).take(100)) for seed in (-2, -1, 0, 1, 2)}) == 5


@each_stream
def test_record_of_an_event(make: Make) -> None:
    """The value is the fields as a JSON object, the key is one of them, headers are as kafka-python takes them."""
    for event in make().take(200):
        fields = json.loads(event.value)

        assert fields == event.fields()
        assert (fields["id"], fields["at_ms"]) == (event.id, event.timestamp_ms)
        assert event.key.decode() in fields.values()
        assert event.headers == [("source", b"kit.datagen"), ("stream", event.stream.encode())]


@each_stream
def test_events_happen_in_order(make: Make) -> None:
    """With nothing late, events come in the order in which they happen, each with its own id, none too soon."""
    events = make(start_ms=1_000_000).take(5_000)

    assert events[0].timestamp_ms >= 1_000_000
    assert all(one.timestamp_ms <= other.timestamp_ms for one, other in itertools.pairwise(events))
    assert len({event.id for event in events}) == 5_000
    assert {event.arrival_ms - event.timestamp_ms for event in events} == {ON_TIME_MS}


@pytest.mark.parametrize("field", ["user", "song"])
def test_listens_follow_zipf(field: str) -> None:
    """The k-th most frequent user or song comes 1/k as often as the first, within what chance allows."""
    num_events = 100_000
    counts = Counter(getattr(listen, field) for listen in itertools.islice(datagen.listens(seed=5), num_events))
    names = {"user": music.USERS, "song": music.SONGS}[field]
    first = num_events / sum(1 / rank for rank in range(1, len(names) + 1))

    for rank in (1, 2, 3, 5, 10, 30):
        assert counts[names[rank - 1]] == pytest.approx(first / rank, rel=0.12), rank
    assert len(counts) == len(names)
    assert [name for name, _ in counts.most_common(3)] == list(names[:3])


def test_listens_are_skipped_as_often_as_they_should_be() -> None:
    """A quarter ends within the first thirty seconds; the others take as long as their song."""
    listens = datagen.listens().take(20_000)
    skipped = [listen for listen in listens if listen.played_ms < music.SKIPPED_MS]
    lengths = defaultdict(set)
    for listen in listens:
        if listen.played_ms >= music.SKIPPED_MS:
            lengths[listen.song].add(listen.played_ms)

    assert len(skipped) / len(listens) == pytest.approx(music.SKIPPED_SHARE, abs=0.02)
    assert all(len(each) == 1 for each in lengths.values())
    assert listens[-1].timestamp_ms - listens[0].timestamp_ms == pytest.approx(1_000_000, rel=0.05)  # 20 per second


def test_songs_and_artists_have_names_of_their_own() -> None:
    """No two songs share a name, and each artist plays some."""
    assert len(set(music.SONGS)) == len(music.SONGS)
    assert len({music.artist_of(song) for song in range(len(music.SONGS))}) == music.NUM_ARTISTS


def test_detections_have_days_nights_and_crowds() -> None:
    """Each hour has about the passages of its hour, and the first five minutes of a lecture hour four times as many."""
    midnight_ms = datagen.START_MS - 8 * 3_600_000
    day = itertools.takewhile(
        lambda event: event.timestamp_ms < midnight_ms + 86_400_000, datagen.detections(start_ms=midnight_ms)
    )
    begins: dict[str, int] = {}
    for event in day:
        begins.setdefault(event.track, event.timestamp_ms - midnight_ms)
    per_hour = Counter(begin_ms // 3_600_000 for begin_ms in begins.values())
    crowd = sum(begin_ms // 3_600_000 == 10 and begin_ms % 3_600_000 < 300_000 for begin_ms in begins.values())

    assert per_hour[3] < 100 < per_hour[21] < per_hour[10]
    assert per_hour[21] == pytest.approx(60 * cameras.PASSAGES_PER_MINUTE[21], rel=0.2)
    assert crowd == pytest.approx(5 * cameras.CROWD_FACTOR * cameras.PASSAGES_PER_MINUTE[10], rel=0.2)


def test_detections_come_in_bursts() -> None:
    """A passage is seen by one camera in several pictures in a row, and the main gate sees most."""
    passages = defaultdict(list)
    for event in datagen.detections().take(20_000):
        passages[event.track].append(event)
    whole = list(passages.values())[:-100]  # the last ones still go on

    for pictures in whole:
        assert 2 <= len(pictures) <= 12
        assert len({(each.camera, each.place, each.label) for each in pictures}) == 1
        assert {b.timestamp_ms - a.timestamp_ms for a, b in itertools.pairwise(pictures)} == {cameras.PICTURE_MS}
    assert Counter(pictures[0].place for pictures in whole).most_common(1)[0][0] == "main gate"
    assert all(0.5 <= each.confidence < 1 for pictures in whole for each in pictures)


def test_games_are_played_by_the_rules() -> None:
    """In every game the plays have no gaps, the clock runs down, scores add up, possession makes sense, nobody ties."""
    games = defaultdict(list)
    for play in datagen.plays(seed=2).take(40_000):
        games[play.game].append(play)
    whole = [plays for plays in games.values() if plays[-1].kind == "game-end"]

    assert len(whole) > 80
    for plays in whole:
        check_game(plays)
    scores = [score for plays in whole for score in (plays[-1].home_score, plays[-1].away_score)]
    assert 95 < sum(scores) / len(scores) < 120
    assert any(plays[-1].period > NUM_PERIODS for plays in whole), "some game goes into overtime"


def check_game(plays: list[datagen.Play]) -> None:
    """The rules of one game, as far as they can be seen in its plays."""
    score = Counter({plays[0].home: 0, plays[0].away: 0})
    left = (0, 0.0)
    for number, play in enumerate(plays, start=1):
        minutes, seconds = play.clock.split(":")
        now = (play.period, -(60 * int(minutes) + int(seconds)))
        if play.team:
            score[play.team] += play.points

        assert play.play == number
        assert now >= left, "the clock runs down"
        assert (play.home_score, play.away_score) == (score[play.home], score[play.away])
        assert play.points == 0 or play.kind in {"shot-made", "free-throw-made"}
        left = now
    for before, after in itertools.pairwise(plays):
        if before.kind == "shot-missed":
            assert after.kind in {"rebound", "period-end"}
        if before.kind in {"shot-made", "turnover"} and after.kind.startswith("shot"):
            assert after.team != before.team, "the ball changes hands"
        if after.kind == "rebound":
            assert before.kind in {"shot-missed", "free-throw-missed"}
    assert plays[-1].home_score != plays[-1].away_score
    assert plays[-1].period >= NUM_PERIODS
    assert plays[0].home != plays[0].away


def test_several_games_are_played_at_once() -> None:
    """Plays of different games come mixed, so that order per key is not order of the topic."""
    plays = datagen.plays().take(1_000)

    assert len({play.game for play in plays[:200]}) == GAMES_AT_ONCE
    assert sum(one.game != other.game for one, other in itertools.pairwise(plays)) > 500


def test_chance_reaches_both_ends() -> None:
    """Whole numbers between two ends come up all, and none beyond."""
    chance = Chance("any")

    assert {chance.between(3, 6) for _ in range(200)} == {3, 4, 5, 6}
    assert {chance.pick("abc") for _ in range(200)} == {"a", "b", "c"}


def test_waits_have_their_mean() -> None:
    """Waiting times are exponential: their mean is the mean, and 63 % are shorter."""
    chance = Chance("any")
    waits = [chance.wait(10) for _ in range(20_000)]

    assert sum(waits) / len(waits) == pytest.approx(10, rel=0.03)
    assert sum(wait < 10 for wait in waits) / len(waits) == pytest.approx(0.632, abs=0.02)
