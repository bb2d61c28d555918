"""The scan and the projection as a script or a notebook calls them."""

from contextlib import nullcontext
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.analysis.scan import ScanResult, ScanStream
from sparse_core.checkpoints import Checkpoint, open_checkpoint
from sparse_core.dtypes import TABLE, DType
from sparse_core.errors import SparseError
from sparse_core.masks import layout_of, unpack
from sparse_core.masks import project as project_raw
from sparse_core.messages import ScanOptions
from sparse_core.patterns import NMPattern


def scan(source: str | Path | Checkpoint, *, threads: int = 1, **options: Any) -> ScanResult:
    """Judge every tensor of a checkpoint.

    Parameters
    ----------
    source : path or Checkpoint
        A file, a folder, or what ``sparse_core.open`` gave.
    threads : int
        Tensors read at a time.
    **options
        Fields of ``ScanOptions``: ``rule`` ("auto", "zeros", "stored", "projected"), ``pattern``
        ("2:4", or an ``NMPattern`` with its axis), ``axis`` ("in", "out", "kernel"),
        ``threshold`` (|w| below which a non-zero weight is a near zero), ``kinds`` and ``axes``
        (pairs of glob and value), ``cache``.

    Returns
    -------
    ScanResult
        ``layers`` in the order of the listing, ``verdict``, ``read_bytes`` and ``seconds``.

    Raises
    ------
    CheckpointError
        If the file cannot be read; ``ChangedError`` if it changed while it was read.
    PatternError
        If the options name a pattern, an axis or a kind that does not exist.
    TypeError, msgspec.ValidationError
        If an option is none, or of the wrong type.

    Examples
    --------
    >>> for layer in scan("model.safetensors", pattern="2:4").layers:  # doctest: +SKIP
    ...     print(layer.name, layer.bad_groups)
    """
    unknown = sorted(set(options) - set(ScanOptions.__struct_fields__))
    if unknown:
        raise TypeError(f"scan() has no option {', '.join(unknown)}")
    pattern = options.get("pattern")
    if isinstance(pattern, NMPattern):
        options = {"axis": pattern.axis, **options, "pattern": str(pattern)}
    chosen = msgspec.convert(options, ScanOptions)
    started = perf_counter()
    opened = source if isinstance(source, Checkpoint) else open_checkpoint(source)
    with nullcontext() if opened is source else opened:
        stream = ScanStream(opened, chosen, threads=threads).run()
        return stream.result(perf_counter() - started)


def project(
    weights: npt.ArrayLike, pattern: NMPattern | str, *, kind: str = ""
) -> npt.NDArray[np.bool_]:
    """Keep the N largest |w| of every M weights along the pattern's axis.

    Parameters
    ----------
    weights : array_like
        ``(out, in)`` or ``(out, in, ...)``: a linear or convolution weight; ``(in,)`` is one row.
    pattern : NMPattern or str
        As text the groups run along ``in``.
    kind : str, optional
        ``experts`` for ``(E, out, in)``; by default linear for two dimensions, else conv.

    Returns
    -------
    ndarray of bool
        In the shape of ``weights``; True = kept. Of equal magnitudes the lower index is dropped
        first, NaN ranks above Inf, and the tail of a row that fills no group is kept.

    Raises
    ------
    PatternError
        If the pattern does not exist.
    SparseError
        If the array has no number format that checkpoints have.

    Examples
    --------
    >>> project([[0.1, -0.4, 0.2, 0.3]], "2:4")
    array([[False,  True, False,  True]])
    """
    array = np.asarray(weights)
    wanted = NMPattern.parse(pattern) if isinstance(pattern, str) else pattern
    dtype = _format(array)
    shape = array.shape if array.ndim > 1 else (1, array.size)
    layout = layout_of(shape, kind or ("linear" if array.ndim <= 2 else "conv"))
    raw = np.ascontiguousarray(array, dtype.raw).reshape(-1)
    return unpack(project_raw(raw, dtype, layout, wanted)).reshape(array.shape)


def _format(array: npt.NDArray[Any]) -> DType:
    """Find the number format of a numpy array."""
    for dtype in TABLE:
        if dtype.name == array.dtype.name:
            return dtype
    raise SparseError(f"An array of {array.dtype} holds no weights: convert it to float32.")
