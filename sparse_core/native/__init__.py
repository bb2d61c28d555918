"""The few loops that touch every weight: a C++ extension where it was built, else numpy.

Both give the same bits, so nothing but time depends on which one runs. The extension is checked
against its numpy twins, on a small input, when this package is imported; one that was built for
another program version or that differs in a single bit is not used. The environment variable
``SPARSESCOPE_NATIVE`` forces a choice: ``off``, ``portable`` or ``avx2``.
"""

import importlib
import os
from typing import cast

import numpy as np
import numpy.typing as npt

from sparse_core.native import twins
from sparse_core.native.kernels import Bytes, Kernels
from sparse_core.native.verify import same_bits


def _choose(wish: str) -> tuple[Kernels, str]:
    """Pick the kernels and their name.

    Parameters
    ----------
    wish : str
        ``off``, ``portable``, ``avx2``, or anything else for the best that works.
    """
    if wish == "off":
        return twins, "numpy"
    try:
        extension = importlib.import_module("sparse_core.native._native")
    except ImportError:
        return twins, "numpy"
    for path, name in (("avx2", "AVX2"), ("portable", "portable")):
        if wish in ("avx2", "portable") and wish != path:
            continue
        if extension.use(path) and same_bits(cast("Kernels", extension), twins):
            return cast("Kernels", extension), name
    return twins, "numpy"


kernels, _NAME = _choose(os.environ.get("SPARSESCOPE_NATIVE", "").strip().lower())


def name() -> str:
    """Say which kernels run: ``AVX2``, ``portable`` or ``numpy``."""
    return _NAME


def is_native() -> bool:
    """Say whether the C++ extension runs."""
    return _NAME != "numpy"


def project_mask(values: npt.NDArray[np.float32], n: int, m: int, out: Bytes) -> None:
    """Write the N:M mask of a matrix along its rows into ``out``.

    Parameters
    ----------
    values : ndarray of float32, ``(rows, columns)``
        C-contiguous weights or scores; their magnitude decides.
    n, m : int
        Kept weights and group size. Of equal magnitudes the lower index is dropped first, NaN
        ranks above Inf, and the tail of a row that fills no group is kept.
    out : ndarray of uint8, ``(rows, columns)``
        Gets 1 where a weight is kept, else 0. A torch bool tensor's memory will do.

    Raises
    ------
    ValueError
        If the arrays are not contiguous or do not fit one another.
    """
    if values.dtype != np.float32 or values.ndim != 2 or not values.flags.c_contiguous:
        raise ValueError("values: a contiguous float32 matrix is wanted")
    if out.dtype != np.uint8 or out.shape != values.shape or not out.flags.c_contiguous:
        raise ValueError(f"out: a contiguous uint8 matrix of shape {values.shape} is wanted")
    bits = values.view(np.uint32).reshape(-1)
    shape = (values.shape[0], values.shape[1], 1)
    kernels.project(bits, 0x7FFFFFFF, 0x7F800001, shape, n, m, out.reshape(-1))
