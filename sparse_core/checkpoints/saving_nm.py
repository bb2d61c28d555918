"""Our own N:M form on its way into a safetensors file."""

from collections.abc import Callable, Iterable

import numpy as np

from sparse_core.checkpoints.own import AXIS, PATTERN
from sparse_core.checkpoints.saving import Chunk, Outgoing
from sparse_core.dtypes import Raw
from sparse_core.packed.nm import PackedNM
from sparse_core.packed.saved_nm import POSITIONS, SHAPE, to_parts

_CODES = {POSITIONS: "U8", SHAPE: "I64"}


def outgoing(name: str, packed: PackedNM) -> tuple[Outgoing, ...]:
    """Give the four tensors of a packed weight.

    Parameters
    ----------
    name : str
        The weight's plain name; readers list it under that.
    packed : PackedNM
    """
    tensors = []
    for part, array in to_parts(packed).items():
        code = _CODES.get(part, packed.dtype.code)
        chunks = _once(np.ascontiguousarray(array))
        tensors.append(Outgoing(f"{name}.{part}", code, array.shape, array.nbytes, chunks))
    return tuple(tensors)


def metadata_of(packed: PackedNM) -> dict[str, str]:
    """Give what a file of weights of one pattern says of itself."""
    return {PATTERN: str(packed.pattern), AXIS: packed.pattern.axis}


def _once(array: Raw) -> Callable[[], Iterable[Chunk]]:
    return lambda: (array.tobytes(),)
