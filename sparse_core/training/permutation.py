"""Order input channels so that an N:M mask loses less, without changing what a network computes.

Pool and Yu, "Channel permutations for N:M sparsity", NeurIPS 2021: permuting the inputs of a layer,
and with them the outputs of all layers that make them, leaves the function as it is. The search
takes two groups of columns at a time and keeps the best way to split their columns anew, until
nothing is gained; for 2:4 all 35 ways are tried, for longer groups all exchanges of one pair.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sparse_core.inference.compaction.spaces import Space, Survivors
from sparse_core.inference.compaction.walk import Site, Tracer, Walk
from sparse_core.patterns import NMPattern

PASSES = 5
"""Rounds over all pairs of groups at most."""


def kept_magnitude(sizes: Tensor, pattern: NMPattern) -> float:
    """Add up what an N:M mask along the columns keeps of ``(rows, columns)`` magnitudes."""
    return float(_kept(sizes.reshape(len(sizes), -1, pattern.m), pattern.n).sum())


def _kept(groups: Tensor, n: int) -> Tensor:
    return groups.topk(n, dim=-1).values.sum(dim=-1)


def search(sizes: Tensor, pattern: NMPattern, passes: int = PASSES) -> Tensor:
    """Find an order of columns that keeps more; the same for the same input.

    Parameters
    ----------
    sizes : Tensor, ``(rows, columns)``
        Magnitudes; the number of columns is a multiple of M.
    pattern : NMPattern
    passes : int
        Rounds at most.

    Returns
    -------
    Tensor of int64, ``(columns,)``
        ``sizes[:, order]`` keeps at least as much as ``sizes``.
    """
    groups = list(torch.arange(sizes.shape[1]).view(-1, pattern.m))
    for _ in range(passes):
        gained = False
        for first, second in combinations(range(len(groups)), 2):
            both = torch.cat((groups[first], groups[second]))
            better = _split(sizes[:, both].double(), pattern)
            if better is not None:
                groups[first], groups[second] = both[better[0]], both[better[1]]
                gained = True
        if not gained:
            break
    return torch.cat(groups)


def _split(sizes: Tensor, pattern: NMPattern) -> tuple[Tensor, Tensor] | None:
    """Find the best way to split ``(rows, 2 M)`` columns in two; None if it is as it is."""
    ways = torch.tensor(list(_ways(pattern.m)))
    kept = _kept(sizes[:, ways], pattern.n).sum(dim=(0, 2))
    best = int(kept.argmax())
    if float(kept[best]) <= float(kept[0]) * (1 + 1e-12):
        return None
    return ways[best, 0], ways[best, 1]


def _ways(m: int) -> Iterator[tuple[Sequence[int], Sequence[int]]]:
    """List the splits to try; the first is the present one. Column 0 stays in the first half."""
    everything = range(2 * m)
    if m <= 4:
        for others in combinations(range(1, 2 * m), m - 1):
            half = (0, *others)
            yield half, tuple(column for column in everything if column not in half)
        return
    yield tuple(range(m)), tuple(range(m, 2 * m))
    for out in range(m):
        for into in range(m, 2 * m):
            first, second = list(range(m)), list(range(m, 2 * m))
            first[out], second[into - m] = into, out
            yield first, second


def permute_channels(
    model: nn.Module, pattern: NMPattern, names: frozenset[str]
) -> dict[str, tuple[float, float]]:
    """Reorder the hidden units of a network, in place, for the layers that will be N:M.

    Parameters
    ----------
    model : nn.Module
        Without parametrizations; its outputs stay the same.
    pattern : NMPattern
        Along ``in``.
    names : frozenset of str
        The modules whose weights will be masked.

    Returns
    -------
    dict
        Of each of them whose inputs were reordered: magnitude kept before and after.
    """
    training = model.training
    graph = Tracer().trace(model.eval())
    walk = Walk(model, Survivors()).run(graph)
    model.train(training)
    gains: dict[str, tuple[float, float]] = {}
    for space in _free_spaces(walk, pattern):
        users = [site for site in walk.sites if _is_user(site, space)]
        masked = [site for site in users if site.name in names and _columns(site) == space.size]
        if not masked:
            continue
        before = {site.name: kept_magnitude(_sizes(site), pattern) for site in masked}
        order = search(torch.cat([_sizes(site) for site in masked]), pattern)
        _apply(walk.sites, space, order)
        for site in masked:
            gains[site.name] = (before[site.name], kept_magnitude(_sizes(site), pattern))
    return gains


def _free_spaces(walk: Walk, pattern: NMPattern) -> list[Space]:
    roots = {site.outputs.root.index: site.outputs.root for site in walk.sites}
    whole = {site.heads.root.index for site in walk.sites if site.heads is not None}
    return [
        space
        for index, space in sorted(roots.items())
        if not space.fixed and space.size and space.size % pattern.m == 0 and index not in whole
    ]


def _is_user(site: Site, space: Space) -> bool:
    return site.inputs.space.root is space and not isinstance(site.module, _BatchNorm)


def _columns(site: Site) -> int | None:
    weight = getattr(site.module, "weight", None)
    return weight.shape[1] if isinstance(weight, Tensor) and weight.ndim > 1 else None


def _sizes(site: Site) -> Tensor:
    """Give the magnitudes a layer's groups are made of: a row for each output and position."""
    weight = site.module.get_parameter("weight").detach().abs().cpu()
    return weight.movedim(1, -1).reshape(-1, weight.shape[1])


def _apply(sites: Sequence[Site], space: Space, order: Tensor) -> None:
    """Reorder the units of a space wherever they are made, normed and used."""
    with torch.no_grad():
        for site in sites:
            makes, uses = site.outputs.root is space, site.inputs.space.root is space
            if isinstance(site.module, _BatchNorm):
                if uses:
                    for tensor in (*site.module.parameters(), *site.module.buffers()):
                        if tensor.ndim:
                            tensor.copy_(tensor[order.to(tensor.device)])
                continue
            for layer in _made_by(site) if makes else ():
                for tensor in layer.parameters(recurse=False):
                    tensor.copy_(tensor[order.to(tensor.device)])
            for layer in _used_by(site) if uses else ():
                weight = layer.get_parameter("weight")
                units = weight.view(weight.shape[0], len(order), -1)
                weight.copy_(units[:, order.to(weight.device)].reshape(weight.shape))


def _made_by(site: Site) -> list[nn.Module]:
    return [site.module if site.heads is None else site.module.get_submodule("output")]


def _used_by(site: Site) -> list[nn.Module]:
    if site.heads is None:
        return [site.module]
    return [site.module.get_submodule(name) for name in ("query", "key", "value")]
