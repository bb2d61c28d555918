"""Find what can vanish, and build the smaller network."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sparse_core.errors import SparseError
from sparse_core.inference.compaction.rebuild import rebuild
from sparse_core.inference.compaction.spaces import Space, Survivors, Use
from sparse_core.inference.compaction.walk import Site, Tracer, Walk


@dataclass(frozen=True)
class LayerCompaction:
    """What became of the outputs of one layer.

    Attributes
    ----------
    name : str
    before, after : tuple of int
        Shape of its weight.
    exact, folded : int
        Outputs taken away because they were unused or 0, and because they were constants that
        biases took over.
    kept : int
        Outputs without a single weight that had to stay.
    why : str
        Why they had to, "" if none.
    heads : int
        Attention heads taken away.
    """

    name: str
    before: tuple[int, ...]
    after: tuple[int, ...]
    exact: int
    folded: int
    kept: int
    why: str = ""
    heads: int = 0


@dataclass(frozen=True)
class Compacted:
    """The smaller network, and what was done layer by layer."""

    model: nn.Module
    layers: tuple[LayerCompaction, ...]


def compact(model: nn.Module) -> Compacted:
    """Take away all units of a network that make no difference.

    Parameters
    ----------
    model : nn.Module
        With the weights as they are used: zeros in place, no parametrizations. It is not
        changed, and judged as it is in evaluation.

    Returns
    -------
    Compacted
        A copy with smaller layers, in evaluation mode.

    Raises
    ------
    SparseError
        If the network cannot be traced, because its control flow depends on its data.
    """
    small = copy.deepcopy(model).cpu().eval()
    try:
        graph = Tracer().trace(small)
    except Exception as error:
        raise SparseError(
            f"{type(model).__name__} cannot be compacted: its steps depend on its data ({error})."
        ) from error
    survivors = Survivors()
    while True:
        walk = Walk(small, survivors).run(graph)
        shrunk = _shrink(walk, survivors)
        if not shrunk:
            break
        survivors = Survivors({**survivors.alive, **shrunk}, survivors.folded)
    reports = tuple(
        _report(site, survivors) for site in walk.sites if not isinstance(site.module, _BatchNorm)
    )
    shapes = rebuild(small, walk.sites, survivors)
    return Compacted(
        small.to(next(model.parameters()).device),
        tuple(
            LayerCompaction(**{**vars(report), "after": shapes[report.name]}) for report in reports
        ),
    )


def _shrink(walk: Walk, survivors: Survivors) -> dict[int, Tensor]:
    """Give the spaces that lose units in this pass, with what is left of them."""
    by_space: dict[int, tuple[Space, list[Use]]] = {}
    for use in walk.uses:
        by_space.setdefault(use.space.root.index, (use.space.root, []))[1].append(use)
    shrunk: dict[int, Tensor] = {}
    for index, (space, uses) in by_space.items():
        if space.fixed:
            continue
        alive = survivors.of(space)
        removable = torch.stack([use.unused | use.foldable for use in uses]).all(dim=0)
        left = alive & ~removable
        if not left.any():
            left[0] = True  # a layer without outputs is no layer
        if not torch.equal(left, alive):
            shrunk[index] = left
            exactly = torch.stack([use.unused | use.zero for use in uses]).all(dim=0)
            folded = survivors.folded.get(index, torch.zeros_like(alive))
            survivors.folded[index] = folded | (alive & ~left & ~exactly)
    return shrunk


def _report(site: Site, survivors: Survivors) -> LayerCompaction:
    layer = site.module if site.heads is None else site.module.get_submodule("output")
    weight = layer.get_parameter("weight")
    alive = survivors.of(site.outputs)
    folded = survivors.folded.get(site.outputs.root.index, torch.zeros_like(alive))
    empty = (weight == 0).flatten(1).all(dim=1).cpu() & alive
    heads = 0 if site.heads is None else int((~survivors.of(site.heads)).sum())
    why = site.outputs.fixed or "somebody else's units flow there too, or padding meets a constant"
    return LayerCompaction(
        site.name,
        tuple(weight.shape),
        tuple(weight.shape),
        exact=int((~alive & ~folded).sum()),
        folded=int(folded.sum()),
        kept=int(empty.sum()),
        why=why if bool(empty.any()) else "",
        heads=heads,
    )
