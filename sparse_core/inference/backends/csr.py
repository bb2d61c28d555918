"""torch's compressed sparse rows."""

from torch import Tensor

from sparse_core.inference.backend import Prepared, Support
from sparse_core.inference.compressed import compress, supports_compressed
from sparse_core.inference.layer import SparseLayer


class CSR:
    """Compressed sparse rows."""

    name = "csr"

    def supports(self, layer: SparseLayer, device: str, batch: int) -> Support:
        """Say yes to linear layers in a format that torch multiplies."""
        del batch
        return supports_compressed(layer, device)

    def prepare(self, layer: SparseLayer, device: str, batch: int, threads: int) -> Prepared:
        """Compress the rows."""
        del batch, threads
        return compress(layer, device, Tensor.to_sparse_csr)
