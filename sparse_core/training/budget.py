"""How a total density is shared out among layers."""

from collections.abc import Sequence
from math import ceil, prod
from typing import Literal

Budget = Literal["uniform", "er", "erk"]
Shape = tuple[int, ...]


def densities(shapes: Sequence[Shape], density: float, budget: Budget) -> tuple[float, ...]:
    """Give the density of each layer so that all together have ``density``.

    ``uniform``: the same for all. ``er``: proportional to ``(out + in) / (out * in)``
    (Erdős–Rényi; Mocanu et al., 2018). ``erk``: to ``sum(dims) / prod(dims)``, kernel included
    (Evci et al., ICML 2020). A layer that would exceed 1 is dense, and the others share the rest:
    solved again until none exceeds it.

    Parameters
    ----------
    shapes : sequence of tuple
        ``(out, in, ...)`` of each layer.
    density : float
        In [0, 1].
    """
    if budget == "uniform" or density >= 1:
        return (density,) * len(shapes)
    raw = [_raw(shape, budget) for shape in shapes]
    sizes = [prod(shape) for shape in shapes]
    wanted = density * sum(sizes)
    dense: set[int] = set()
    while True:
        open_ = [index for index in range(len(shapes)) if index not in dense]
        if not open_:
            return (1.0,) * len(shapes)
        rest = wanted - sum(sizes[index] for index in dense)
        scale = rest / sum(raw[index] * sizes[index] for index in open_)
        over = {index for index in open_ if raw[index] * scale > 1}
        if not over:
            return tuple(
                1.0 if index in dense else raw[index] * scale for index in range(len(shapes))
            )
        # One at a time, the largest first: making one dense changes the scale of all.
        dense.add(max(over, key=lambda index: raw[index]))


def _raw(shape: Shape, budget: Budget) -> float:
    dims = shape if budget == "erk" else shape[:2]
    return sum(dims) / prod(dims)


def kept_count(elements: int, density: float) -> int:
    """Give how many of so many weights are kept: rounded up, as RigL's code does.

    What is a whole number but for rounding errors is not rounded up.
    """
    return min(elements, ceil(elements * density * (1 - 1e-12)))
