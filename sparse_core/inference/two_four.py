"""torch's two libraries for 2:4 products on CUDA, cuSPARSELt and CUTLASS, behind one face.

Nothing here asks for a compute capability or a version: ``probe`` converts and multiplies a small
matrix and looks at the result.
"""

import warnings
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional
from torch.sparse import (
    SparseSemiStructuredTensorCUSPARSELT,
    SparseSemiStructuredTensorCUTLASS,
)

from sparse_core.inference.algorithm import Algorithm, differs
from sparse_core.inference.cuda import attempt
from sparse_core.inference.whole_groups import raw_of
from sparse_core.packed import cutlass24
from sparse_core.patterns import NMPattern

SIDES: dict[str, dict[torch.dtype, tuple[int, int]]] = {
    "cuSPARSELt": {torch.float16: (16, 16), torch.bfloat16: (16, 16)},
    "CUTLASS": {torch.float16: (32, 64), torch.bfloat16: (32, 64), torch.float32: (32, 32)},
}
"""What divides rows and columns of a weight, by library and format."""

PROBE_SIDE = 128


def pattern_for(dtype: torch.dtype) -> NMPattern:
    """Give what the tensor cores hold: fp32 is 1:2, the shorter formats 2:4."""
    return NMPattern(1, 2) if dtype == torch.float32 else NMPattern(2, 4)


def libraries_for(dtype: torch.dtype, device: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Try the libraries that know a format.

    Returns
    -------
    dict
        Why not, for each that cannot run here.
    tuple of str
        The others.
    """
    tried = {name: probe(name, dtype, device) for name, sides in SIDES.items() if dtype in sides}
    return (
        {name: reason for name, reason in tried.items() if reason},
        tuple(name for name, reason in tried.items() if not reason),
    )


@cache
def probe(library: str, dtype: torch.dtype, device: str) -> str:
    """Convert and multiply a 128 x 128 matrix; give the reason why that fails, or ""."""
    return attempt(lambda: _trial(library, dtype, device))


def _trial(library: str, dtype: torch.dtype, device: str) -> str:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(PROBE_SIDE, PROBE_SIDE, generator=generator).to(dtype)
    pattern = pattern_for(dtype)
    groups = weight.view(-1, pattern.m)
    groups[:, pattern.n :] = 0
    x = torch.randn(PROBE_SIDE, PROBE_SIDE, generator=generator).to(dtype)
    found = functional.linear(x.to(device), convert(library, weight.to(device)))
    return differs(found.cpu(), functional.linear(x.float(), weight.float()))


def convert(library: str, weight: Tensor) -> Tensor:
    """Compress a padded weight, on the device where it lies.

    torch's own converter for CUTLASS makes 64-bit index matrices on the device and drops what
    breaks 2:4 without a word, so our packer writes that layout. cuSPARSELt's layout is private:
    the library packs it.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The PyTorch API of SparseSemiStructuredTensor")
        if library == "cuSPARSELt":
            return _cusparselt(weight.shape, torch._cslt_compress(weight), 0)
        raw, _ = raw_of(weight)
        matrix = raw.reshape(weight.shape)
        packed = cutlass24.pack(matrix, (weight != 0).cpu().numpy())
        values = torch.from_numpy(packed.values.view("u1")).view(weight.dtype)
        return SparseSemiStructuredTensorCUTLASS(
            weight.shape, values.to(weight.device), torch.from_numpy(packed.meta).to(weight.device),
            None, None, None,
        )  # fmt: skip


def with_algorithm(form: Tensor, algorithm: Algorithm) -> Tensor:
    """Give the same packed weight with another algorithm of its library."""
    if not isinstance(form, SparseSemiStructuredTensorCUSPARSELT):
        return form
    assert form.packed is not None
    return _cusparselt(form.shape, form.packed, algorithm.number)


def nbytes_of(form: Tensor) -> int:
    """Bytes of values and metadata."""
    parts = (getattr(form, "packed", None), getattr(form, "meta", None))
    return sum(part.nbytes for part in parts if part is not None)


def _cusparselt(shape: torch.Size, packed: Tensor, number: int) -> Tensor:
    return SparseSemiStructuredTensorCUSPARSELT(
        shape, packed, None, None, None, None, alg_id_cusparselt=number
    )
