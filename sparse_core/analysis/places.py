"""How a group is named: ``[117, 332:336]``, ``[3, 4:8, 0, 1]``."""

import numpy as np

from sparse_core.masks import Layout, group_of
from sparse_core.patterns import NMPattern


def place_of(layout: Layout, pattern: NMPattern, row: int, column: int) -> str:
    """Name the group that holds a weight as an index of the tensor.

    Along ``kernel`` a group may run over more than one dimension; then it is named by its first
    and last weight.

    Examples
    --------
    >>> from sparse_core.masks import layout_of
    >>> place_of(layout_of((256, 784), "linear"), NMPattern(2, 4), 117, 333)
    '[117, 332:336]'
    """
    places = group_of(layout, pattern, row, column) or ((row, column),)
    flat = [layout.flat_index(*place) for place in places]
    indices = np.array(np.unravel_index(flat, layout.shape)).T
    first, last = indices[0], indices[-1]
    if (first != last).sum() > 1:
        return f"{_index(first)} to {_index(last)}"
    words = [f"{a}:{b + 1}" if a != b else str(a) for a, b in zip(first, last, strict=True)]
    return f"[{', '.join(words)}]"


def _index(index: np.ndarray[tuple[int], np.dtype[np.intp]]) -> str:
    return f"[{', '.join(map(str, index.tolist()))}]"
