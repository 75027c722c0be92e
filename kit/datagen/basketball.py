"""Basketball plays: the play-by-play of a league in which several games are played at once.

Realistic: the clock, possessions and what can follow what, four periods of 12 minutes and overtime, scores around 105,
few players with most shots. Order matters: a score read in another order is wrong.
Invented: every name; that all teams are equally good; no substitutions, timeouts, steals, blocks or bonus fouls; a foul
is always on a shot for two points, and is worth two free throws.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator

from kit.datagen.chance import Chance, zipf
from kit.datagen.events import ON_TIME_MS, Play

GAMES_AT_ONCE = 4
PERIOD_S = 12 * 60
OVERTIME_S = 5 * 60
NUM_PERIODS = 4

TEAMS = (
    "Harbour Owls", "River Kites", "Summit Rams", "Delta Herons", "Canyon Foxes", "Prairie Hares", "Glacier Bears",
    "Lagoon Otters", "Desert Larks", "Forest Lynx", "Island Terns", "Valley Moles",
)  # fmt: skip

_SHIRTS = (7, 23, 11, 4, 30, 9, 15, 42, 8, 21)
_SHARES = zipf(len(_SHIRTS))

# Out of a hundred possessions or shots, about as in the men's professional game.
_TURNOVER, _FOUL, _THREE = 0.13, 0.10, 0.38
_TWO_GOES_IN, _THREE_GOES_IN, _FREE_THROW_GOES_IN = 0.53, 0.36, 0.77
_OWN_REBOUND = 0.26

_FOUL_BREAK_S, _BREAK_S, _HALF_TIME_S = 25, 130, 900
_BETWEEN_GAMES_S = 1_200


class _Game:
    """One game, whose plays are made while it goes on.

    Args:
        number: in the season.
        at_ms: when it begins.

    Attributes:
        at_ms: how far it has come in real time, where the clock stands still between plays now and then.
    """

    def __init__(self, number: int, chance: Chance, at_ms: int) -> None:
        self.at_ms = at_ms
        self._chance = chance
        self._name = f"game-{number:04d}"
        self._numbers = itertools.count(1)
        home = chance.between(0, len(TEAMS) - 1)
        self._teams = (TEAMS[home], TEAMS[(home + chance.between(1, len(TEAMS) - 1)) % len(TEAMS)])
        self._score = [0, 0]
        self._period = 0
        self._left_s = 0
        self._attack = chance.between(0, 1)  # who won the jump ball

    def plays(self) -> Iterator[Play]:
        """Every play of the game."""
        first = self._attack
        while self._period < NUM_PERIODS or self._score[0] == self._score[1]:
            self._period += 1
            self._left_s = PERIOD_S if self._period <= NUM_PERIODS else OVERTIME_S
            # The loser of the jump ball begins the second and third period, its winner the fourth.
            self._attack = first if self._period in {1, 4} else 1 - first
            yield self._play("period-start", None)
            while self._left_s:
                yield from self._possession(self._chance.between(3, 10) + self._chance.between(1, 11))
            yield self._play("period-end", None)
            self.at_ms += 1_000 * (_HALF_TIME_S if self._period == NUM_PERIODS // 2 else _BREAK_S)
        yield self._play("game-end", None)

    def _possession(self, lasts_s: int) -> Iterator[Play]:
        if lasts_s >= self._left_s:  # the clock runs out first
            self._pass(self._left_s)
            return
        self._pass(lasts_s)
        luck = self._chance.share()
        if luck < _TURNOVER:
            yield self._play("turnover", self._attack)
            self._attack = 1 - self._attack
        elif luck < _TURNOVER + _FOUL:
            yield from self._free_throws()
        else:
            yield from self._shot()

    def _shot(self) -> Iterator[Play]:
        points, goes_in = (3, _THREE_GOES_IN) if self._chance.happens(_THREE) else (2, _TWO_GOES_IN)
        if self._chance.happens(goes_in):
            yield self._play("shot-made", self._attack, points)
            self._attack = 1 - self._attack
        else:
            yield self._play("shot-missed", self._attack)
            yield from self._rebound()

    def _free_throws(self) -> Iterator[Play]:
        yield self._play("foul", 1 - self._attack)
        self.at_ms += 1_000 * _FOUL_BREAK_S
        player = self._player()
        went_in = False
        for _ in range(2):
            went_in = self._chance.happens(_FREE_THROW_GOES_IN)
            kind = "free-throw-made" if went_in else "free-throw-missed"
            yield self._play(kind, self._attack, int(went_in), player)
            self.at_ms += 1_000 * _FOUL_BREAK_S // 2
        if went_in:
            self._attack = 1 - self._attack
        else:
            yield from self._rebound()

    def _rebound(self) -> Iterator[Play]:
        self._pass(min(self._chance.between(1, 2), self._left_s))
        if not self._left_s:
            return
        if not self._chance.happens(_OWN_REBOUND):
            self._attack = 1 - self._attack
        yield self._play("rebound", self._attack)

    def _pass(self, seconds: int) -> None:
        self._left_s -= seconds
        self.at_ms += 1_000 * seconds

    def _player(self) -> int:
        return _SHIRTS[_SHARES.draw(self._chance)]

    def _play(self, kind: str, team: int | None, points: int = 0, player: int | None = None) -> Play:
        if team is not None:
            self._score[team] += points
            player = self._player() if player is None else player
        number = next(self._numbers)
        return Play(
            f"{self._name}-play-{number:04d}", self.at_ms, self.at_ms + ON_TIME_MS, False,
            self._name, number, self._period, f"{self._left_s // 60}:{self._left_s % 60:02d}",
            kind, None if team is None else self._teams[team], player, points,
            *self._teams, *self._score,
        )  # fmt: skip


def plays(seed: int, start_ms: int) -> Iterator[Play]:
    """Plays of game after game without end, in the order in which they happened."""
    chance = Chance(f"plays {seed}")
    numbers = itertools.count(1)

    def begin(at_ms: int) -> tuple[int, int, Play, _Game, Iterator[Play]]:
        number = next(numbers)
        game = _Game(number, Chance(f"plays {seed} game {number}"), at_ms)
        going_on = game.plays()
        return game.at_ms, number, next(going_on), game, going_on

    # (time of the next play, number of the game in case two are at once, that play, game, plays after it)
    games = [begin(start_ms + chance.between(0, 600_000)) for _ in range(GAMES_AT_ONCE)]
    heapq.heapify(games)
    while True:
        _, number, play, game, going_on = games[0]
        yield play
        following = next(going_on, None)
        if following is None:
            heapq.heapreplace(games, begin(game.at_ms + 1_000 * _BETWEEN_GAMES_S))
        else:
            heapq.heapreplace(games, (following.timestamp_ms, number, following, game, going_on))
