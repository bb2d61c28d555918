"""Numbers of sparse neural networks: read, verify, train and time them. Knows no window.

The names that a script or a notebook uses; each is imported when it is first asked for.

``open(path, container="")``
    A checkpoint of any format, its tensors mapped, nothing of it executed.
``scan(path_or_checkpoint, **options)``
    Every tensor judged: pattern, class, statistics, and one verdict.
``project(array, pattern)``
    The mask that keeps the N largest of every M weights.
``timeline(*sources, **options)``
    How the masks of a series of checkpoints move: flips by layer and step.
``compare(a, b, **options)``
    Two checkpoints of one network, layer by layer.
``nnstd(a, b, **options)``
    The distance of two networks whose neurons may be numbered differently.
``pack(mask)``, ``unpack(packed)``
    Boolean masks as bits, and back.
``NMPattern(n, m, axis="in")``
    At most N of every M consecutive weights are kept along an axis.

Errors that are the user's business are children of ``sparse_core.errors.SparseError``.

Examples
--------
>>> import sparse_core
>>> result = sparse_core.scan("model.safetensors")      # doctest: +SKIP
>>> result.verdict.headline                             # doctest: +SKIP
'It is 2:4 everywhere but in the head.'
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparse_core.analysis.library import project, scan
    from sparse_core.analysis.timeline.library import compare, nnstd, timeline
    from sparse_core.checkpoints import open_checkpoint as open
    from sparse_core.masks import pack, unpack
    from sparse_core.patterns import NMPattern

__all__ = [
    "NMPattern",
    "compare",
    "nnstd",
    "open",
    "pack",
    "project",
    "scan",
    "timeline",
    "unpack",
]

_HOMES = {
    "NMPattern": ("sparse_core.patterns", "NMPattern"),
    "compare": ("sparse_core.analysis.timeline.library", "compare"),
    "nnstd": ("sparse_core.analysis.timeline.library", "nnstd"),
    "open": ("sparse_core.checkpoints", "open_checkpoint"),
    "pack": ("sparse_core.masks", "pack"),
    "project": ("sparse_core.analysis.library", "project"),
    "scan": ("sparse_core.analysis.library", "scan"),
    "timeline": ("sparse_core.analysis.timeline.library", "timeline"),
    "unpack": ("sparse_core.masks", "unpack"),
}
"""Public name -> module and the name it has there."""


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for, so that no command pays for another."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sparse_core' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    value: object = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted({*globals(), *__all__})
