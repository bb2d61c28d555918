"""The ways of running a sparse layer, one file each; see ``sparse_core.inference.backend``."""

from sparse_core.inference.backend import YES, Backend, Prepared, Support
from sparse_core.inference.backends.bsr import BSR
from sparse_core.inference.backends.compact import Compact
from sparse_core.inference.backends.csr import CSR
from sparse_core.inference.backends.dense import Dense
from sparse_core.inference.backends.nm_native import NMNative
from sparse_core.inference.backends.nm_triton import NMTriton
from sparse_core.inference.backends.semi_structured import SemiStructured

BACKENDS: tuple[Backend, ...] = (
    Dense(),
    Compact(),
    SemiStructured(),
    NMTriton(),
    NMNative(),
    CSR(),
    BSR(),
)
BY_NAME = {backend.name: backend for backend in BACKENDS}

__all__ = [
    "BACKENDS",
    "BSR",
    "BY_NAME",
    "CSR",
    "YES",
    "Backend",
    "Compact",
    "Dense",
    "NMNative",
    "NMTriton",
    "Prepared",
    "SemiStructured",
    "Support",
]
