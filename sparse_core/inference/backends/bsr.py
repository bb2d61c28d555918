"""torch's compressed sparse rows of blocks."""

from sparse_core.inference.backend import Prepared, Support
from sparse_core.inference.compressed import compress, supports_compressed
from sparse_core.inference.layer import SparseLayer

BLOCK = 16


class BSR:
    """Compressed sparse rows of 16 x 16 blocks."""

    name = "bsr"

    def supports(self, layer: SparseLayer, device: str, batch: int) -> Support:
        """Say yes to linear layers whose sides are multiples of 16."""
        del batch
        support = supports_compressed(layer, device)
        if support and any(side % BLOCK for side in layer.weight.shape):
            return Support(f"{BLOCK} does not divide both sides")
        return support

    def prepare(self, layer: SparseLayer, device: str, batch: int, threads: int) -> Prepared:
        """Compress the blocks."""
        del batch, threads
        return compress(layer, device, lambda weight: weight.to_sparse_bsr((BLOCK, BLOCK)))
