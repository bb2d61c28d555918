"""The loops of a straight-through step in the native extension; see ``straight_through.cpp``."""

import os
from functools import cache
from importlib import import_module
from types import ModuleType

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]


@cache
def _module() -> tuple[ModuleType | None, bool]:
    """Load the extension's third module, and say whether its AVX2 path is wished for."""
    wish = os.environ.get("SPARSESCOPE_NATIVE", "").strip().lower()
    if wish == "off":
        return None, False
    try:
        return import_module("sparse_core.native._straight"), wish != "portable"
    except ImportError:
        return None, False


def is_native() -> bool:
    """Say whether these loops run in C++."""
    return _module()[0] is not None


def keep(values: Floats, kept: Bytes, out: Floats) -> None:
    """Write ``values * kept`` into ``out``.

    Parameters
    ----------
    values, out : float32, any one shape, contiguous
    kept : uint8, the same shape
        1 = kept, 0 = pruned; a torch bool tensor's memory will do.

    Raises
    ------
    ValueError
        If the sizes differ.
    """
    module, fast = _module()
    if module is None:
        with np.errstate(invalid="ignore"):
            np.multiply(values, kept.astype(np.float32), out=out)
    else:
        module.keep(values, kept, out, fast)


def drop(values: Floats, n: int, kept: Bytes, out: Floats) -> bool:
    """Keep the ``n`` largest magnitudes of every 4, and write ``values * kept`` into ``out``.

    Parameters
    ----------
    values, out : float32, any one shape, contiguous
        Groups are 4 elements one behind the other.
    n : int
    kept : uint8, the same shape
        Gets 1 = kept, 0 = pruned. Of equal magnitudes the lower index is dropped first; NaN ranks
        above infinity.

    Returns
    -------
    bool
        False, and nothing was written, where the extension is missing.

    Raises
    ------
    ValueError
        If the sizes differ, or there is a rest that fills no group.
    """
    module, fast = _module()
    if module is None:
        return False
    module.drop(values, n, kept, out, fast)
    return True


def pull(gradient: Floats, values: Floats, kept: Bytes, strength: float, out: Floats) -> None:
    """Write ``gradient + strength * values * (1 - kept)`` into ``out``.

    Every operation is rounded by itself; ``strength`` is rounded to fp32 first.

    Parameters
    ----------
    gradient, values, out : float32, any one shape, contiguous
    kept : uint8, the same shape
        1 = kept, 0 = pruned.

    Raises
    ------
    ValueError
        If the sizes differ.
    """
    module, fast = _module()
    if module is None:
        with np.errstate(invalid="ignore"):
            np.multiply(values, (1 - kept).astype(np.float32), out=out)
            np.multiply(out, np.float32(strength), out=out)
            np.add(gradient, out, out=out)
    else:
        module.pull(gradient, values, kept, strength, out, fast)
