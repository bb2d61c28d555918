"""NNSTD: the distance of two sparse networks that ignores how their neurons are numbered.

Liu et al., ECML-PKDD 2020. Layer by layer the neurons of one network are assigned to those of the
other so that the sets of their inputs differ least; the assignment of one layer then says which
inputs of the next correspond. Inputs of the first layer are features, which are who they are.
"""

from collections.abc import Callable, Mapping, Sequence
from math import nan

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.errors import Cancelled, SparseError
from sparse_core.masks import Layout, PackedMask, unpack

Flags = npt.NDArray[np.bool_]
Costs = npt.NDArray[np.float64]
Order = npt.NDArray[np.intp]

LIMIT = 2048
"""Neurons a layer: the assignment takes their third power, half a minute at this size."""
_BLOCK = 256


class LayerDistance(msgspec.Struct, frozen=True):
    """The distance of one layer, in [0, 1]; ``chained`` says that the layer before was matched."""

    layer: str
    neurons: int
    distance: float
    chained: bool


class NetworkDistance(msgspec.Struct, frozen=True):
    """The distance of two networks: the mean over layers, and each layer's."""

    distance: float
    layers: tuple[LayerDistance, ...]


def nnstd_of(
    one: Mapping[str, PackedMask],
    other: Mapping[str, PackedMask],
    *,
    fix_outputs: bool = False,
    limit: int = LIMIT,
    cancelled: Callable[[], bool] | None = None,
) -> NetworkDistance:
    """Compare the masks of two networks of equal layers.

    Parameters
    ----------
    one, other : mapping of str to PackedMask
        Layers in the order in which they follow one another. Where the inputs of a layer are not
        the outputs of the one before (a shortcut, another branch), its inputs are taken to be who
        they are.
    fix_outputs : bool
        Leave the neurons of the last layer where they are: classes have identity.
    limit : int
        The most neurons that a layer may have.
    cancelled : callable, optional
        Asked between blocks of neurons.

    Returns
    -------
    NetworkDistance

    Raises
    ------
    SparseError
        If the layers differ, or one has too many neurons.
    Cancelled
        If ``cancelled`` said so.
    """
    names = _common(one, other, limit)
    matched: Order | None = None
    layers = []
    for name in names:
        first, second = _connections(one[name]), _connections(other[name])
        inputs = one[name].layout.inputs * one[name].layout.kernel
        order = _input_order(matched, one[name].layout, inputs)
        if order is not None:
            second = second[:, order]
        costs = _distances(first, second, cancelled)
        fixed = fix_outputs and name == names[-1]
        matched = np.arange(len(costs)) if fixed else _assign(costs)
        distance = float(costs[np.arange(len(costs)), matched].mean()) if len(costs) else 0.0
        layers.append(LayerDistance(name, len(costs), distance, order is not None))
    known = [layer.distance for layer in layers]
    return NetworkDistance(sum(known) / len(known) if known else nan, tuple(layers))


def _common(
    one: Mapping[str, PackedMask], other: Mapping[str, PackedMask], limit: int
) -> Sequence[str]:
    """Refuse networks that cannot be compared, before anything is computed."""
    if list(one) != list(other):
        odd = sorted(set(one) ^ set(other))
        which = f"only one has {odd[0]}" if odd else "they come in another order"
        raise SparseError(f"The two networks have other layers: {which}.")
    for name, mask in one.items():
        layout = mask.layout
        if layout.shape != other[name].layout.shape:
            raise SparseError(
                f"{name} is {layout.shape} in one network and {other[name].layout.shape} in the "
                "other: NNSTD needs layers of equal size."
            )
        if layout.outputs > limit:
            raise SparseError(
                f"{name} has {layout.outputs:,} neurons: to assign more than {limit:,} takes very "
                "long. Raise the limit (--nnstd-limit), or look at other layers (--layers)."
            )
    return list(one)


def _connections(mask: PackedMask) -> Flags:
    """Give which inputs each neuron has, ``(outputs, inputs * kernel)``, inputs outermost."""
    layout, kept = mask.layout, unpack(mask)
    if layout.input_dim is None or layout.output_dim is None:
        return kept.reshape(1, -1)
    if layout.stacks > 1:
        kept = np.moveaxis(kept, layout.input_dim, -1)
        return kept.reshape(layout.outputs, -1)
    front = np.moveaxis(kept, (layout.output_dim, layout.input_dim), (0, 1))
    return front.reshape(layout.outputs, -1)


def _input_order(matched: Order | None, layout: Layout, inputs: int) -> Order | None:
    """Say where each input of one network lies in the other; None where that is unknown.

    A convolution's channels carry their kernel positions with them, and so do the channels that
    are flattened for a linear layer.
    """
    if matched is None or layout.stacks > 1 or not matched.size or inputs % matched.size:
        return None
    wide = inputs // matched.size
    if layout.kernel > 1 and wide != layout.kernel:
        return None
    return (matched[:, None] * wide + np.arange(wide)).reshape(-1)


def _distances(one: Flags, other: Flags, cancelled: Callable[[], bool] | None) -> Costs:
    """Give the Jaccard distance of every neuron of one to every neuron of the other."""
    first, second = one.astype(np.float32), other.astype(np.float32)
    sizes, other_sizes = one.sum(axis=1), other.sum(axis=1)
    costs = np.empty((len(one), len(other)))
    for start in range(0, len(one), _BLOCK):
        if cancelled is not None and cancelled():
            raise Cancelled("The comparison was stopped.")
        place = slice(start, start + _BLOCK)
        shared = (first[place] @ second.T).astype(np.float64)
        union = sizes[place, None] + other_sizes[None, :] - shared
        costs[place] = 1 - np.divide(shared, union, out=np.ones_like(shared), where=union > 0)
    return costs


def _assign(costs: Costs) -> Order:
    """Find the cheapest assignment; ``result[i]`` is the column of row ``i``."""
    from scipy.optimize import linear_sum_assignment

    columns: Order = linear_sum_assignment(costs)[1]
    return columns
