"""A row of the listing: a weight under its plain name, and where its mask and parts are."""

from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.checkpoints.arrays import Source
from sparse_core.dtypes import DType
from sparse_core.masks.values import nonzero

Form = Literal["dense", "masked", "latent", "packed", "quantised"]
"""How a weight is stored.

``dense``: as it is. ``masked``: with a mask beside it. ``latent``: dense, and its tool masks it
by a rule that the file does not hold. ``packed``: without its zeros. ``quantised``: as codes.
"""


class MaskSource(msgspec.Struct, frozen=True, eq=False):
    """Where the kept-or-pruned bits of a weight come from."""

    def read(self, start: int, stop: int) -> npt.NDArray[np.bool_]:
        """Bits of elements ``start`` to ``stop`` in row-major order; True = kept."""
        raise NotImplementedError


class NonzeroMask(MaskSource, frozen=True, eq=False):
    """A stored tensor of the weight's shape, of any format: what is not zero is kept."""

    source: Source

    def read(self, start: int, stop: int) -> npt.NDArray[np.bool_]:
        """See `MaskSource.read`."""
        return nonzero(self.source.read(start, stop), self.source.dtype)


class Row(msgspec.Struct, frozen=True, eq=False, kw_only=True, gc=False):
    """A weight as recognised.

    ``parts`` are the names of the tensors it was put together from, in the file's own words;
    empty where it stands in the file under its own name.
    """

    name: str
    weights: Source
    mask: MaskSource | None = None
    form: Form = "dense"
    parts: tuple[str, ...] = ()
    note: str = ""


class TensorInfo(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A tensor of the chosen model, without its data.

    Attributes
    ----------
    name : str
        Its plain name: a folded weight bears the name that the unpruned layer has.
    dtype : DType
        Format of the elements that ``Checkpoint.read`` gives.
    shape : tuple of int
        Dimensions.
    elements, bytes : int
        How many elements it has, and how many bytes it takes in the file.
    form : str
        ``dense``, ``masked``, ``latent``, ``packed`` or ``quantised``; see `Form`.
    has_mask : bool
        Whether ``Checkpoint.read_mask`` gives bits for it.
    stored_as : tuple of str
        Names in the file that it was put together from; empty where that is just ``name``.
    storage : str
        Equal for tensors that lie at the same place: tied weights.
    quantised : bool
        Whether its elements are codes that are counted apart and never judged.
    note : str
        A sentence for the user, or "".
    """

    name: str
    dtype: DType
    shape: tuple[int, ...]
    elements: int
    bytes: int
    form: Form = "dense"
    has_mask: bool = False
    stored_as: tuple[str, ...] = ()
    storage: str = ""
    quantised: bool = False
    note: str = ""


def info_of(row: Row, name: str) -> TensorInfo:
    """Describe a row under the name it is listed by."""
    source = row.weights
    region, begin = source.place
    return TensorInfo(
        name=name,
        dtype=source.dtype,
        shape=source.shape,
        elements=source.elements,
        bytes=source.bytes,
        form="quantised" if source.quantised else row.form,
        has_mask=row.mask is not None,
        stored_as=row.parts,
        storage=f"{region}@{begin}",
        quantised=source.quantised,
        note=row.note or source.note,
    )
