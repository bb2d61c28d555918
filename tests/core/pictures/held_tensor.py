"""A checkpoint of one tensor that lies in memory."""

from types import MappingProxyType

import numpy as np

from sparse_core.analysis.pyramid import Pyramid
from sparse_core.checkpoints import TensorInfo
from sparse_core.dtypes import DTYPES, Raw
from sparse_core.messages import ScanOptions

NAME = "layer.weight"


class HeldTensor:
    """What a pyramid asks of a checkpoint."""

    path = "/held"
    stamp = "s"
    metadata = MappingProxyType({})
    config = MappingProxyType({})

    def __init__(self, array: Raw, dtype: str = "float32") -> None:
        form = DTYPES[dtype]
        self._raw = np.ascontiguousarray(array).reshape(-1).view(form.raw)
        self.reads: list[tuple[int, int]] = []
        info = TensorInfo(
            name=NAME,
            dtype=form,
            shape=array.shape,
            elements=array.size,
            bytes=array.nbytes,
            form="dense",
            has_mask=False,
            stored_as=(),
            storage="held",
            quantised=False,
            note="",
        )
        self.tensors = {NAME: info}

    def read(self, name: str, start: int = 0, stop: int | None = None) -> Raw:
        assert name == NAME
        self.reads.append((start, self._raw.size if stop is None else stop))
        return self._raw[start:stop]

    def read_mask(self, name: str, start: int = 0, stop: int | None = None) -> None:
        return None

    def check_unchanged(self) -> None:
        pass


def pyramid_of(array: Raw, dtype: str = "float32", options: ScanOptions | None = None) -> Pyramid:
    return Pyramid.of(HeldTensor(array, dtype), NAME, options or ScanOptions())
