"""Music listens: who heard which song, as an app reports it when the song is over or skipped.

Realistic: few songs and few users make most of the listens (Zipf), a quarter is skipped in the first half minute.
Invented: every name; that the busiest "user" listens without end (take it for a chain of cafés); that the day has no
nights, and that nobody has a taste of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

from kit.datagen.chance import Chance, zipf
from kit.datagen.events import ON_TIME_MS, Listen

NUM_USERS = 1_000
NUM_ARTISTS = 60
LISTENS_PER_S = 20
SKIPPED_SHARE = 0.25
SKIPPED_MS = 30_000  # whoever goes on before has skipped the song

_FIRST = (
    "Night", "Paper", "Seventh", "Cold", "Low", "Silver", "Slow", "Second", "Empty", "Blue", "Distant", "Broken",
    "Summer", "Quiet", "Neon", "Velvet", "Hollow", "Golden", "Winter", "Last",
)  # fmt: skip
_SECOND = (
    "Bus Home", "Lanterns", "Wave", "Brew", "Tide Radio", "Harbour", "Weather", "Letters", "Platform", "Kitchen Light",
    "Signal", "Umbrella", "Staircase", "Garden", "Highway", "Postcard", "Clockwork", "Rooftop", "Mirror", "Echo",
    "Carousel", "Meridian", "Fireflies", "Satellite", "Holiday",
)  # fmt: skip
_BANDS = ("Foxes", "Parade", "Machines", "Sisters", "Orchestra", "Avenue")
_COLOURS = ("Amber", "Cobalt", "Crimson", "Indigo", "Ivory", "Jade", "Ochre", "Scarlet", "Umber", "Violet")
_DEVICES = ("phone", "phone", "phone", "desktop", "speaker")

# The most popular song is the first one, the busiest user is the first one. Neighbours share no word.
SONGS = tuple(
    f"{_FIRST[(number + number // 100) % 20]} {_SECOND[number % 25]}" for number in range(len(_FIRST) * len(_SECOND))
)
USERS = tuple(f"user-{number:04d}" for number in range(1, NUM_USERS + 1))
_ARTISTS = tuple(f"{_COLOURS[number % 10]} {_BANDS[number // 10]}" for number in range(NUM_ARTISTS))

_SONG_RANKS = zipf(len(SONGS))
_USER_RANKS = zipf(NUM_USERS)


def artist_of(song: int) -> str:
    """Who plays a song, by its number."""
    return _ARTISTS[song * 7 % NUM_ARTISTS]


def length_ms(song: int) -> int:
    """How long a song is, by its number: from two and a half minutes to five."""
    return 150_000 + song * 37_700 % 150_000


def listens(seed: int, start_ms: int) -> Iterator[Listen]:
    """Listens without end, in the order in which they happened."""
    chance = Chance(f"listens {seed}")
    between_ms = 1_000 / LISTENS_PER_S
    at_ms = float(start_ms)
    number = 0
    while True:
        number += 1
        at_ms += chance.wait(between_ms)
        happened_ms = int(at_ms)
        user, song = _USER_RANKS.draw(chance), _SONG_RANKS.draw(chance)
        skips = chance.happens(SKIPPED_SHARE)
        played_ms = chance.between(1_000, SKIPPED_MS - 1) if skips else length_ms(song)
        yield Listen(
            f"listen-{number:07d}", happened_ms, happened_ms + ON_TIME_MS, False,
            USERS[user], SONGS[song], artist_of(song), _DEVICES[user % len(_DEVICES)], played_ms,
        )  # fmt: skip
