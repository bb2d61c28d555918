"""Fuzzy search of our own: the letters of the query in their order, the best place first.

Two steps. ``NameIndex`` finds, by arithmetic on the bytes of all names at once, which names hold
the query's letters in order and which of them look best; ``score`` then judges those few hundred
with care. No Qt here.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec
import numpy as np
import numpy.typing as npt

CAREFUL = 120
"""Names that are judged with care."""

_START, _NEXT, _GAP, _LATE = 8, 10, 1, 3
_ENDS = frozenset("._-/ :,…()[]")
_LONGEST = 200
_CLEAR = 12
"""So many letters that stand in a name as they are leave no doubt what is meant."""

Places = npt.NDArray[np.int64]
_Found = tuple[Places, Places, Places]
"""Numbers of names, and where in all bytes their first and last letter stand."""


class Match(msgspec.Struct, frozen=True):
    """How well a query fits a text, and which letters it fits."""

    score: float
    places: tuple[int, ...]


def letters(query: str) -> str:
    """Return what of a query is searched: no blanks, no case."""
    return "".join(query.casefold().split())


def score(query: str, text: str) -> Match | None:
    """Judge one text.

    A letter at the start of a word is worth most, one right after the last fits well, gaps cost
    a little, and so does whatever of the text is left over.

    Returns
    -------
    Match or None
        None if the text does not hold the letters in their order.
    """
    wanted, low = letters(query), text.casefold()
    if len(low) != len(text) or len(text) > _LONGEST:
        low = text[:_LONGEST].lower()
    # best[i] = score and places of the best way to have put the letters so far, the last at i.
    best: dict[int, tuple[float, tuple[int, ...]]] = {-1: (0.0, ())}
    for letter in wanted:
        best = _placed(letter, low, best)
        if not best:
            return None
    value, places = max(best.values(), key=lambda found: found[0])
    return Match(value - 0.05 * len(text), places)


def _placed(
    letter: str, text: str, best: dict[int, tuple[float, tuple[int, ...]]]
) -> dict[int, tuple[float, tuple[int, ...]]]:
    """Put one more letter behind every way so far, keeping the best way for each place."""
    placed: dict[int, tuple[float, tuple[int, ...]]] = {}
    place = text.find(letter)
    while place >= 0:
        worth = _START if place == 0 or text[place - 1] in _ENDS else 0
        ways = [
            (value + worth + _step(last, place), places)
            for last, (value, places) in best.items()
            if last < place
        ]
        if ways:
            value, places = max(ways, key=lambda way: way[0])
            placed[place] = (value, (*places, place))
        place = text.find(letter, place + 1)
    return placed


def _step(last: int, place: int) -> float:
    """Return what the way from one letter to the next is worth."""
    if last < 0:
        return -min(place, _LATE)
    return _NEXT if place == last + 1 else -min(_GAP * (place - last), _LATE)


class NameIndex:
    """Many names, searched by a query that grows letter by letter.

    Parameters
    ----------
    names : sequence of str
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        # Lower case of ASCII keeps lengths; a name is searched by its bytes.
        joined = "\n".join(names).lower().encode() + b"\n"
        self._joined = joined
        self._bytes = np.frombuffer(joined, np.uint8)
        self._stops = np.flatnonzero(self._bytes == ord("\n")).astype(np.int64)
        self._starts = np.concatenate([[0], self._stops[:-1] + 1]) if len(names) else self._stops
        self._known: dict[int, Places] = {}
        everything = np.arange(len(names), dtype=np.int64)
        before = self._starts - 1
        self._steps: list[tuple[bytes, _Found]] = [(b"", (everything, before, before))]

    def search(self, query: str, most: int) -> list[tuple[int, Match]]:
        """Return the best names as (number, match), the best first."""
        text = letters(query)
        if not text:
            return [(number, Match(0.0, ())) for number in range(min(most, len(self.names)))]
        found = [
            (number, match)
            for number in self._candidates(text)
            if (match := score(text, self.names[number])) is not None
        ]
        found.sort(key=lambda one: (-one[1].score, one[0]))
        return found[:most]

    def _candidates(self, text: str) -> list[int]:
        """Return the numbers of names that look best: short spans, and the query as it stands."""
        literal = list(islice(self._literal(text.encode()), CAREFUL // 2))
        if literal and len(text) >= _CLEAR:
            return literal
        rows, first, last = self._in_order(text.encode())
        cost = 4 * (last - first) + self._stops[rows] - self._starts[rows]
        near = np.argpartition(cost, CAREFUL)[:CAREFUL] if len(rows) > CAREFUL else slice(None)
        return list(dict.fromkeys([*rows[near].tolist(), *literal]))

    def _in_order(self, text: bytes) -> _Found:
        """Return the names that hold all bytes in order.

        What was found for the beginning of the last query is used again: a keystroke is one step.
        """
        while not text.startswith(self._steps[-1][0]):
            self._steps.pop()
        for stop in range(len(self._steps[-1][0]) + 1, len(text) + 1):
            found = self._one_more(self._steps[-1][1], text[stop - 1], begins=stop == 1)
            self._steps.append((text[:stop], found))
        return self._steps[-1][1]

    def _one_more(self, found: _Found, byte: int, *, begins: bool) -> _Found:
        """Keep the names that hold one more byte behind those found."""
        rows, first, at = found
        known = self._places(byte)
        at = np.append(known, len(self._bytes))[np.searchsorted(known, at, side="right")]
        inside = at < self._stops[rows]
        at = at[inside]
        return rows[inside], at if begins else first[inside], at

    def _places(self, byte: int) -> Places:
        """Return where a byte stands, found once."""
        if byte not in self._known:
            self._known[byte] = np.flatnonzero(self._bytes == byte).astype(np.int64)
        return self._known[byte]

    def _literal(self, text: bytes) -> Iterator[int]:
        """Give the names that hold the query as it is written, in their order."""
        at = self._joined.find(text)
        while at >= 0:
            row = int(np.searchsorted(self._stops, at))
            yield row
            at = self._joined.find(text, int(self._stops[row]))
