"""What every backend answers."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from sparse_core.inference.layer import SparseLayer


@dataclass(frozen=True)
class Support:
    """Yes, or the reason for a no: a sentence that ends a line, without a full stop."""

    reason: str = ""

    def __bool__(self) -> bool:
        """Whether the answer is yes."""
        return not self.reason


YES = Support()


class Prepared(Protocol):
    """A layer made ready for one backend."""

    @property
    def nbytes(self) -> int:
        """Bytes that the weight takes in this form."""

    def run(self, x: Tensor) -> Tensor:
        """Apply the layer to ``(batch, in)`` or ``(batch, in, height, width)``."""


class Backend(Protocol):
    """A way of running a sparse layer."""

    @property
    def name(self) -> str:
        """How reports and ``--backends`` call it."""

    def supports(self, layer: SparseLayer, device: str, batch: int) -> Support:
        """Say whether this layer can run on this device at this batch, and if not, why."""

    def prepare(self, layer: SparseLayer, device: str, batch: int, threads: int) -> Prepared:
        """Convert the weight; called once, outside all timing.

        Raises
        ------
        SparseError
            If the weight does not fit after all.
        """
