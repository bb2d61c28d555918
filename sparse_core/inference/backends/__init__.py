"""The ways of running a sparse layer, one file each; see ``contract`` for what each answers."""

from sparse_core.inference.backends.compact import Compact
from sparse_core.inference.backends.contract import YES, Backend, Prepared, Support
from sparse_core.inference.backends.dense import Dense
from sparse_core.inference.backends.nm_native import NMNative
from sparse_core.inference.backends.torch_sparse import BSR, CSR

BACKENDS: tuple[Backend, ...] = (Dense(), Compact(), NMNative(), CSR(), BSR())
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
    "Prepared",
    "Support",
]
