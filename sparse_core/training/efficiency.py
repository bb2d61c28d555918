"""What sparsity is worth: accuracy per weight, bytes in each storage form, multiplications.

The three accuracy figures are named by their formulas: the survey's own names for such measures
(Hoefler et al., JMLR 22, 2021) are not claimed. Storage follows the survey's table of overheads.
"""

import math
from collections.abc import Mapping, Sequence

import msgspec


def points_per_million(accuracy: float, nonzero: int) -> float:
    """Give ``100 * accuracy / (nonzero / 1e6)``: points per million non-zero parameters."""
    return 100 * accuracy / (nonzero / 1e6)


def odds_per_million(accuracy: float, nonzero: int) -> float:
    """Give ``accuracy / (1 - accuracy) / (nonzero / 1e6)``: the last percents count more."""
    return accuracy / (1 - accuracy) / (nonzero / 1e6) if accuracy < 1 else math.inf


def slack(curve: Sequence[tuple[float, float]], share: float = 0.99) -> float:
    """Give the largest sparsity whose accuracy is at least ``share`` of the dense one.

    Parameters
    ----------
    curve : sequence of (sparsity, accuracy)
        Rising sparsity, the first one dense; between points accuracy is a straight line.
    share : float
        0.99 allows a loss of one percent, relative.

    Returns
    -------
    float
        Where the curve last crosses the threshold downwards; its end if it never does.
    """
    threshold = share * curve[0][1]
    for (low, before), (high, after) in zip(reversed(curve[:-1]), reversed(curve[1:]), strict=True):
        if after >= threshold:
            return high
        if before >= threshold:
            return low + (before - threshold) / (before - after) * (high - low)
    return curve[0][0]


# ---------------------------------------------------------------- storage


def _digits(values: int) -> int:
    """Count the bits that tell so many values apart."""
    return math.ceil(math.log2(values)) if values > 1 else 0


def storage_bits(
    elements: int, nonzero: int, value_bits: int, columns: int, group: int | None = None
) -> dict[str, int]:
    """Give the size of a matrix in each form, in bits.

    Parameters
    ----------
    elements, nonzero : int
        All weights, and those that are stored.
    value_bits : int
        Width of a number.
    columns : int
        Length of a row.
    group : int, optional
        M of an N:M pattern that holds.

    Returns
    -------
    dict
        ``dense``, ``bitmap``, ``coo`` (flat index), ``csr``, and ``n:m`` with a group. Indices
        are as narrow as they can be.
    """
    rows = elements // columns if columns else 0
    sizes = {
        "dense": elements * value_bits,
        "bitmap": nonzero * value_bits + elements,
        "coo": nonzero * (value_bits + _digits(elements)),
        "csr": nonzero * (value_bits + _digits(columns)) + rows * _digits(max(nonzero, 2)),
    }
    if group:
        sizes["n:m"] = nonzero * (value_bits + _digits(group))
    return sizes


def crossovers(elements: int, value_bits: int, columns: int) -> dict[str, float]:
    """Give the sparsities above which one form is smaller than another (row pointers ignored)."""
    flat, column = _digits(elements), _digits(columns)
    return {
        "bitmap_beats_dense_above": 1 / value_bits,
        "coo_beats_dense_above": 1 - value_bits / (value_bits + flat),
        "coo_beats_bitmap_above": 1 - 1 / flat,
        "csr_beats_dense_above": 1 - value_bits / (value_bits + column),
        "csr_index_beats_bitmap_above": 1 - 1 / column,
    }


# ---------------------------------------------------------------- one network


class LayerWork(msgspec.Struct, frozen=True):
    """One weight: its size, what is kept, and how often it is applied.

    ``positions`` counts output positions of a convolution (1 for a linear layer): each weight is
    multiplied that often. ``compact`` is the number of weights left once zero rows and columns
    are taken away.
    """

    name: str
    elements: int
    nonzero: int
    columns: int
    positions: int = 1
    compact: int | None = None
    group: int | None = None


class Efficiency(msgspec.Struct, frozen=True):
    """The figures of a network."""

    nonzero: int
    parameters: int
    points_per_million: float
    odds_per_million: float
    macs_dense: int
    macs_effective: int
    macs_compact: int
    bytes: Mapping[str, int]
    smallest: str


def efficiency(
    accuracy: float, layers: Sequence[LayerWork], other_parameters: int, value_bits: int = 32
) -> Efficiency:
    """Add up the figures of all layers.

    Parameters
    ----------
    accuracy : float
        In [0, 1].
    layers : sequence of LayerWork
    other_parameters : int
        Biases, norms and embeddings: counted as parameters, stored densely.
    value_bits : int
    """
    nonzero = sum(layer.nonzero for layer in layers) + other_parameters
    totals: dict[str, int] = {}
    for layer in layers:
        sizes = storage_bits(layer.elements, layer.nonzero, value_bits, layer.columns, layer.group)
        sizes.setdefault("n:m", sizes["dense"])
        for form, bits in sizes.items():
            totals[form] = totals.get(form, 0) + bits
    stored = {form: (bits + other_parameters * value_bits) // 8 for form, bits in totals.items()}
    return Efficiency(
        nonzero=nonzero,
        parameters=sum(layer.elements for layer in layers) + other_parameters,
        points_per_million=points_per_million(accuracy, nonzero),
        odds_per_million=odds_per_million(accuracy, nonzero),
        macs_dense=sum(layer.elements * layer.positions for layer in layers),
        macs_effective=sum(layer.nonzero * layer.positions for layer in layers),
        macs_compact=sum(
            (layer.elements if layer.compact is None else layer.compact) * layer.positions
            for layer in layers
        ),
        bytes=stored,
        smallest=min(stored, key=lambda form: stored[form]),
    )
