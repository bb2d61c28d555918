"""Which layers are broken, and how their groups are numbered through the whole checkpoint."""

from bisect import bisect_right

import numpy as np

from inspector.models.layer_table import LayerTable


class BrokenLayers:
    """The broken layers in the order of the listing.

    Parameters
    ----------
    table : LayerTable
        As it is now; a later one is looked at anew.

    Attributes
    ----------
    names : tuple of str
    rows : tuple of int
        Their rows in the listing.
    counts : tuple of int
        Bad groups of each.
    total : int
        Bad groups of all.
    """

    def __init__(self, table: LayerTable) -> None:
        suspected = np.flatnonzero(table.bad_groups > 0).tolist()
        rows = [row for row in suspected if table.classes[row] == "broken"]
        self.rows = tuple(rows)
        self.names = tuple(table.names[row] for row in rows)
        self.counts = tuple(int(table.bad_groups[row]) for row in rows)
        self._before = dict(
            zip(self.names, np.cumsum([0, *self.counts])[:-1].tolist(), strict=True)
        )
        self.total = sum(self.counts)

    def number(self, name: str, ordinal: int) -> int:
        """Return the number of a layer's group among all, from 1."""
        return int(self._before[name]) + ordinal + 1

    def beside(self, row: int, step: int) -> str:
        """Return the broken layer after (1) or before (-1) a row; round the end to the other.

        Raises
        ------
        IndexError
            If no layer is broken.
        """
        if row in self.rows:
            place = self.rows.index(row) + step
        else:
            after = bisect_right(self.rows, row)
            place = after if step > 0 else after - 1
        return self.names[place % len(self.names)]
