"""Which algorithm of which library multiplies fastest: searched by timing, once, and kept.

cuSPARSELt numbers its algorithms, the default is often the slowest, and the choice decides
whether 2:4 wins at all. So every one that gives the right product is timed on the layer's own
shape, and the winner is kept in the cache for that shape, device and library version.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

import msgspec
import numpy as np
import torch
from torch import Tensor

from sparse_core.analysis import cache
from sparse_core.errors import SparseError
from sparse_core.inference.clock import clock_of
from sparse_core.inference.cuda import attempt

SUFFIX = ".algorithm"
UNKNOWN = 64
"""Algorithms that are tried where torch does not say how many a library has."""
PATIENCE = 4
"""Refused in a row, then the library has no more."""
ROUNDS = 9
WRONG = 0.02
"""A product that is further away than this share of the largest output is wrong in any format."""

Call = Callable[[], Tensor]


class Algorithm(msgspec.Struct, frozen=True):
    """A library and the number of one of its algorithms."""

    library: str
    number: int = 0


class Problem(msgspec.Struct, frozen=True):
    """What an algorithm was found for.

    Attributes
    ----------
    rows, columns : int
        Of the weight.
    bucket : int
        The batch, rounded up to a power of two.
    dtype, device : str
    libraries : tuple of str
        Those that can run.
    versions : str
        Of everything that could change the answer.
    """

    rows: int
    columns: int
    bucket: int
    dtype: str
    device: str
    libraries: tuple[str, ...]
    versions: str

    def key(self) -> str:
        """Name the cache entry."""
        return hashlib.blake2b(msgspec.msgpack.encode(self), digest_size=20).hexdigest()


def problem_of(weight: Tensor, batch: int, device: str, libraries: Iterable[str]) -> Problem:
    """Describe the product of a weight with a batch."""
    rows, columns = weight.shape
    named = device
    if device.startswith("cuda"):
        named = torch.cuda.get_device_name(device)
    versions = (torch.__version__, torch.version.cuda, torch.backends.cusparselt.version())
    bucket = 1 << max(0, batch - 1).bit_length()
    said = " ".join(map(str, versions))
    return Problem(rows, columns, bucket, str(weight.dtype), named, tuple(libraries), said)


def numbers_of(library: str) -> Sequence[int]:
    """Give the algorithm numbers of a library that are worth a try."""
    if library != "cuSPARSELt":
        return (0,)
    known = torch.backends.cusparselt.get_max_alg_id()
    return range(known or UNKNOWN)


def known(problem: Problem) -> Algorithm | None:
    """Give what an earlier search found."""
    path = cache.entry(problem.key(), SUFFIX)
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Algorithm)
    except (OSError, msgspec.DecodeError):
        return None
    cache.used(path)
    return found if found.library in problem.libraries else None


def search(
    problem: Problem,
    product_of: Callable[[Algorithm], Call],
    exact: Tensor,
    device: str,
) -> Algorithm:
    """Time every algorithm that gives the right product, and keep the fastest.

    Parameters
    ----------
    problem : Problem
    product_of : callable
        Makes the call that is timed.
    exact : Tensor, ``(batch, out)``
        What it must give, but for rounding.
    device : str

    Raises
    ------
    SparseError
        If none does.
    """
    calls, reason = _right_ones(problem, product_of, exact)
    if not calls:
        raise SparseError(f"No 2:4 algorithm here gives the right product: {reason}.")
    clock = clock_of(device)
    for _ in range(2):
        for call in calls.values():
            call()
    times: dict[Algorithm, list[float]] = {one: [] for one in calls}
    for _ in range(ROUNDS):
        for one, call in calls.items():
            times[one].append(clock(call))
    fastest = min(times, key=lambda one: float(np.median(times[one])))
    cache.keep(problem.key(), SUFFIX, (msgspec.json.encode(fastest),))
    return fastest


def _right_ones(
    problem: Problem, product_of: Callable[[Algorithm], Call], exact: Tensor
) -> tuple[dict[Algorithm, Call], str]:
    """Try every algorithm once; give those that are right, and why the last other one is not."""
    calls: dict[Algorithm, Call] = {}
    reason = "there is none"
    for library in problem.libraries:
        refused = 0
        for number in numbers_of(library):
            one = Algorithm(library, number)
            call = product_of(one)
            said = attempt(lambda call=call: differs(call(), exact))  # type: ignore[misc]
            if not said:
                calls[one] = call
            refused = refused + 1 if said else 0
            reason = said or reason
            if refused == PATIENCE:
                break
    return calls, reason


def differs(found: Tensor, exact: Tensor) -> str:
    """Say that a product is wrong; "" if it is right but for rounding.

    Where the exact product is no finite number, anything is right.
    """
    if found.shape != exact.shape:
        return f"a product of shape {tuple(found.shape)} came back"
    judged = exact.isfinite()
    a, b = found[judged].double(), exact[judged].double()
    if not a.numel():
        return ""
    distance = float((a - b).abs().nan_to_num(torch.inf).max())
    scale = float(b.abs().max())
    if distance > WRONG * scale:
        return f"its product is off by {distance:.2g} where the largest output is {scale:.2g}"
    return ""
