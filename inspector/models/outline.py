"""The shape of the layer tree: which rows stand under which group.

A group is a prefix of names (``layers.0``). A level of the tree must be worth its indentation:
the last two parts of a name stay together (``fc1.weight``), fewer than eight tensors make no
group, chains of single groups are one group, and in long names ``.weight`` goes without saying.
Groups below are found when somebody looks at them: with 92,400 tensors nobody opens all. No Qt
here.

Items are numbers: a row of the table is itself, a group is ``GROUP`` plus its number, and the
root is ``GROUP``.
"""

from collections.abc import Sequence
from itertools import repeat

import numpy as np

from inspector.models.layer_table import Rows

GROUP = 1 << 31
"""Items from here on are groups; the first one is the root."""

_PLAIN = ".weight"
_BLOCK = 256
LEAST = 8
"""Fewer tensors make no group."""


class _Group:
    """A prefix with the rows below it; its children are found on demand."""

    __slots__ = ("children", "depth", "label", "parent", "place", "prefix", "rows")

    def __init__(self, parent: int, place: int, prefix: tuple[str, ...], rows: Rows) -> None:
        self.parent = parent
        self.place = place
        self.prefix = prefix
        self.depth = len(prefix)
        self.rows = rows
        self.label = ""
        self.children: Sequence[int] | None = None


class Outline:
    """Rows arranged under their groups, or as one flat list.

    Parameters
    ----------
    names : sequence of str
        Names by row.
    rows : int32 array
        The rows to show, in order.
    flat : bool
        Without groups.
    """

    def __init__(self, names: Sequence[str], rows: Rows, flat: bool) -> None:
        self._names = names
        self._flat = flat
        self._parent = np.full(len(names), -1, np.int32)
        self._place = np.full(len(names), -1, np.int32)
        self._groups = [_Group(-1, 0, (), rows)]
        self._known: dict[tuple[str, ...], int] = {(): 0}

    @staticmethod
    def is_group(item: int) -> bool:
        """Whether an item is a group."""
        return item >= GROUP

    @property
    def rows(self) -> Rows:
        """All rows shown, in order."""
        return self._groups[0].rows

    @property
    def flat(self) -> bool:
        """Whether the rows stand without groups."""
        return self._flat

    def children(self, item: int) -> Sequence[int]:
        """Return the items below a group."""
        group = self._groups[item - GROUP]
        if group.children is None:
            group.children = self._find_children(item - GROUP)
        return group.children

    def parent(self, item: int) -> int:
        """Return the group above an item; the root's is the root."""
        if item >= GROUP:
            return GROUP + max(self._groups[item - GROUP].parent, 0)
        return GROUP + max(int(self._parent[item]), 0)

    def place(self, item: int) -> int:
        """Return the position of an item below its group, -1 where nobody looked yet."""
        if item >= GROUP:
            return self._groups[item - GROUP].place
        return int(self._place[item])

    def label(self, item: int) -> str:
        """Return what the tree says: a group's own part, a tensor's last parts."""
        if item >= GROUP:
            return self._groups[item - GROUP].label
        name = self._names[item]
        depth = self._groups[int(self._parent[item])].depth
        plain = depth or (self._flat and name.count(".") > 1)
        short = name.removesuffix(_PLAIN) if plain else name
        return ".".join(short.split(".")[depth:])

    def name(self, item: int) -> str:
        """Return the full name of a tensor, the prefix of a group."""
        if item >= GROUP:
            return ".".join(self._groups[item - GROUP].prefix)
        return self._names[item]

    def below(self, group: int) -> Rows:
        """Return the rows below a group, however deep."""
        return self._groups[group - GROUP].rows

    def groups_seen(self) -> list[int]:
        """Return the groups that were looked at so far, without the root."""
        return [GROUP + number for number in range(1, len(self._groups))]

    def group_named(self, prefix: str) -> int | None:
        """Return the group of a prefix, looking where it must stand; None if there is none."""
        wanted = tuple(prefix.split("."))
        item = GROUP
        while True:
            found = self._known.get(wanted)
            if found is not None:
                return GROUP + found
            below = self._toward(item, wanted)
            if below is None:
                return None
            item = below

    def reveal(self, row: int) -> bool:
        """Look at every group above a row, so that it has a place; False if it is not shown."""
        wanted = tuple(self._names[row].split("."))
        item: int | None = GROUP
        while item is not None:
            self.children(item)
            if self._place[row] >= 0:
                return True
            item = self._toward(item, wanted)
        return False

    def _toward(self, item: int, wanted: tuple[str, ...]) -> int | None:
        """Return the group below ``item`` whose prefix leads to ``wanted``."""
        for child in self.children(item):
            if child >= GROUP:
                prefix = self._groups[child - GROUP].prefix
                if wanted[: len(prefix)] == prefix:
                    return child
        return None

    def _find_children(self, number: int) -> Sequence[int]:
        group = self._groups[number]
        if self._flat:
            self._place[group.rows] = np.arange(len(group.rows), dtype=np.int32)
            self._parent[group.rows] = number
            flat: list[int] = group.rows.tolist()
            return flat
        children: list[int] = []
        for part, rows in self._split(group).items():
            if isinstance(part, str) and len(rows) >= LEAST:
                children.append(self._new_group(number, len(children), part, rows))
                continue
            self._parent[rows] = number
            self._place[rows] = np.arange(len(children), len(children) + len(rows))
            children.extend(rows)
        return children

    def _split(self, group: _Group) -> dict[str | int, list[int]]:
        """Sort the rows of a group by their next part; lone tensors stand for themselves.

        Rows of a part mostly follow one another, so runs are found by comparing prefixes, which
        is several times cheaper than taking 92,400 names apart.
        """
        start = len(".".join(group.prefix)) + 1 if group.prefix else 0
        rows = group.rows.tolist()
        names = [self._names[row] for row in rows]
        parts: dict[str | int, list[int]] = {}
        first = 0
        while first < len(rows):
            dot = names[first].find(".", start)
            past = first + 1
            if dot < 0 or names[first].find(".", dot + 1) < 0:
                parts[rows[first]] = [rows[first]]
            else:
                past = _run(names, first, names[first][: dot + 1])
                parts.setdefault(names[first][start:dot], []).extend(rows[first:past])
            first = past
        return parts

    def _new_group(self, parent: int, place: int, part: str, rows: list[int]) -> int:
        above = self._groups[parent].prefix
        prefix = (*above, part)
        names = [self._names[row] for row in rows]
        while (longer := _longer(names, prefix)) is not None:
            prefix = longer
        group = _Group(parent, place, prefix, np.array(rows, np.int32))
        group.label = ".".join(prefix[len(above) :])
        self._known[prefix] = len(self._groups)
        self._groups.append(group)
        return GROUP + len(self._groups) - 1


def _run(names: Sequence[str], first: int, prefix: str) -> int:
    """Return where the names end that begin with ``prefix`` and leave a leaf its two parts."""
    past = first + 1
    while past < len(names) and _all_below(block := names[past : past + _BLOCK], prefix):
        past += len(block)
    while past < len(names) and _all_below(names[past : past + 1], prefix):
        past += 1
    return past


def _all_below(names: Sequence[str], prefix: str) -> bool:
    """Say it of many names at once: the loop is C, a third of the time of one in Python."""
    return (
        all(map(str.startswith, names, repeat(prefix)))
        and min(map(str.find, names, repeat("."), repeat(len(prefix)))) >= 0
    )


def _longer(names: Sequence[str], prefix: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the prefix with one more part, if all names share it and keep their leaf parts."""
    longer = tuple(names[0].split(".")[: len(prefix) + 1])
    text = ".".join(longer) + "."
    # The last name differs first where any does: most prefixes are refused without a walk.
    for name in (names[0], names[-1]):
        if not (name.startswith(text) and name.find(".", len(text)) >= 0):
            return None
    return longer if _run(names, 0, text) == len(names) else None
