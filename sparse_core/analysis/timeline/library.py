"""Timelines, comparisons and distances as a script or a notebook calls them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.analysis.compare import Comparison, compare_checkpoints
from sparse_core.analysis.nnstd import LIMIT, NetworkDistance, nnstd_of
from sparse_core.analysis.timeline.reading import read_timeline
from sparse_core.analysis.timeline.result import Timeline
from sparse_core.analysis.timeline.snapshot import read_snapshot
from sparse_core.checkpoints import open_checkpoint
from sparse_core.checkpoints.series import Member
from sparse_core.masks import PackedMask, layout_of, pack
from sparse_core.messages.timeline import SeriesId, TimelineOptions

Network = str | Path | Mapping[str, npt.ArrayLike]
"""A checkpoint, or its masks by name."""


def timeline(*sources: str | Path, exclude: tuple[str, ...] = (), **options: Any) -> Timeline:
    """Say how the masks of a series of checkpoints move.

    Parameters
    ----------
    *sources : path
        A run folder, a folder of checkpoints, a glob, or the checkpoints themselves.
    exclude : tuple of str
        Globs of names, or steps, to leave out.
    **options
        Fields of ``TimelineOptions``: ``rule`` ("auto", "zeros", "stored", "projected"),
        ``pattern`` ("2:4"), ``axis``, ``layers`` (a glob), ``reference`` (a path), ``epsilon``,
        ``cache``.

    Returns
    -------
    Timeline
        Counts by layer and point; ``changes()`` gives them row by row, ``measures(layer)``,
        ``froze_at(layer)`` and ``net_over_gross(layer)`` what is made of them.

    Raises
    ------
    SparseError
        If there is no checkpoint that can be read, or an option makes no sense.
    TypeError, msgspec.ValidationError
        If an option is none, or of the wrong type.

    Examples
    --------
    >>> line = timeline("runs/ste", pattern="2:4")      # doctest: +SKIP
    >>> line.measures().flip_rate                       # doctest: +SKIP
    """
    series = SeriesId(tuple(str(source) for source in sources), tuple(exclude))
    return read_timeline(series, _options("timeline", options))


def compare(a: str | Path, b: str | Path, **options: Any) -> Comparison:
    """Compare two checkpoints of one network, layer by layer.

    Parameters
    ----------
    a, b : path
    **options
        As for ``timeline``: ``rule``, ``pattern``, ``axis``, ``layers``.

    Returns
    -------
    Comparison
        ``layers`` and ``total``: flips, Jaccard index, change of norm, cosine, new and healed
        violations.

    Raises
    ------
    SparseError
        If one cannot be read, or they have no layer in common.
    """
    chosen = _options("compare", options)
    with open_checkpoint(a) as one, open_checkpoint(b) as other:
        return compare_checkpoints(one, other, chosen)


def nnstd(
    a: Network,
    b: Network,
    *,
    fix_outputs: bool = False,
    limit: int = LIMIT,
    cancelled: Callable[[], bool] | None = None,
    **options: Any,
) -> NetworkDistance:
    """Measure the distance of two sparse networks whose neurons may be numbered differently.

    Parameters
    ----------
    a, b : path or mapping
        Checkpoints, or boolean masks ``(out, in, ...)`` by name in the order of the layers.
    fix_outputs : bool
        Leave the neurons of the last layer where they are: classes have identity.
    limit : int
        The most neurons that a layer may have: the assignment takes their third power.
    cancelled : callable, optional
        Asked between blocks of neurons; True ends it with ``Cancelled``.
    **options
        As for ``timeline``: ``rule``, ``pattern``, ``axis``, ``layers``.

    Returns
    -------
    NetworkDistance
        ``distance`` in [0, 1] and that of each of the ``layers``.

    Raises
    ------
    SparseError
        If the layers differ, one has too many neurons, or a file cannot be read.

    Examples
    --------
    >>> nnstd({"fc": [[1, 1, 0], [0, 0, 1]]}, {"fc": [[0, 0, 1], [1, 1, 0]]}).distance
    0.0
    """
    chosen = _options("nnstd", options)
    one, other = _masks(a, chosen), _masks(b, chosen)
    return nnstd_of(one, other, fix_outputs=fix_outputs, limit=limit, cancelled=cancelled)


def _masks(network: Network, options: TimelineOptions) -> dict[str, PackedMask]:
    """Read the masks of a checkpoint, or pack those that are given."""
    if isinstance(network, Mapping):
        given = {name: np.asarray(mask, np.bool_) for name, mask in network.items()}
        return {
            name: pack(mask, layout_of(mask.shape, "linear" if mask.ndim < 3 else "conv"))
            for name, mask in given.items()
        }
    path = Path(network).expanduser().absolute()
    read = read_snapshot(Member(path, 0, path.name), options)
    return {name: one.mask for name, one in read.items()}


def _options(caller: str, given: dict[str, Any]) -> TimelineOptions:
    """Read keyword arguments."""
    unknown = sorted(set(given) - set(TimelineOptions.__struct_fields__))
    if unknown:
        raise TypeError(f"{caller}() has no option {', '.join(unknown)}")
    plain = {key: str(one) if isinstance(one, Path) else one for key, one in given.items()}
    return msgspec.convert(plain, TimelineOptions)


def as_python(series: SeriesId, options: TimelineOptions) -> str:
    """Write three lines of Python that give the same numbers."""
    words = [repr(source) for source in series.sources]
    if series.exclude:
        words.append(f"exclude={series.exclude!r}")
    plain = TimelineOptions()
    words += [
        f"{name}={getattr(options, name)!r}"
        for name in options.__struct_fields__
        if getattr(options, name) != getattr(plain, name)
    ]
    return (
        "import sparse_core\n"
        f"line = sparse_core.timeline({', '.join(words)})\n"
        'print(*line.table(), sep="\\n")\n'
    )
