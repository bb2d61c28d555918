"""The results of a speed test."""

import msgspec

BACKENDS = ("dense", "compact", "semi_structured", "nm_triton", "nm_native", "csr", "bsr")
"""Names of the ways of running a layer, in the order of reports."""
FORMATS = ("fp32", "fp16", "bf16", "fp64")
"""Number formats that can be timed."""


class SpeedRow(msgspec.Struct, frozen=True, tag_field="type", tag="speed"):
    """One backend on one layer.

    ``ratio`` is dense time over this backend's time in the same rounds, with its 95 % bootstrap
    interval; ``max_error`` the largest distance to the product in fp64, over the largest output;
    ``bytes`` the weight in this backend's form. ``disturbed`` says that other processes computed
    meanwhile.
    """

    layer: str
    shape: tuple[int, ...]
    pattern: str | None
    batch: int
    dtype: str
    device: str
    threads: int
    backend: str
    median_ms: float
    dense_median_ms: float
    p10_ms: float
    p90_ms: float
    n: int
    ratio: float
    ratio_low: float
    ratio_high: float
    max_error: float
    bytes: int
    disturbed: bool = False


class Unavailable(msgspec.Struct, frozen=True, tag_field="type", tag="unavailable"):
    """A backend that cannot run a layer here, and why."""

    backend: str
    layer: str
    reason: str


class Ceilings(msgspec.Struct, frozen=True):
    """What this device reaches at best: a large copy in GB/s, a large fp32 product in GFLOP/s."""

    copy_gb_s: float
    product_gflop_s: float


class Machine(msgspec.Struct, frozen=True, tag_field="type", tag="machine"):
    """Where the rows were measured."""

    cpu: str
    cores: int
    device: str
    threads: int
    native: str
    torch: str
    python: str
    system: str
    ceilings: Ceilings
    notes: tuple[str, ...] = ()
