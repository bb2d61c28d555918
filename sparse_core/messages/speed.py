"""A speed test: what is timed, and what was found.

The rows are those of ``speed --json``, so that a file which that command wrote on another machine
is a result like any other.
"""

import msgspec

from sparse_core.messages.vocabulary import Message

BACKENDS = ("dense", "compact", "semi_structured", "nm_triton", "nm_native", "csr", "bsr")
"""Names of the ways of running a layer, in the order of reports."""
FORMATS = ("fp32", "fp16", "bf16", "fp64")
"""Number formats that can be timed."""


class SpeedRow(msgspec.Struct, frozen=True, tag_field="type", tag="speed"):
    """One backend on one layer.

    ``ratio`` is dense time over this backend's time in the same rounds, with its 95 % bootstrap
    interval; ``max_error`` the largest distance to the product in fp64, over the largest output;
    ``bytes`` the weight in this backend's form. ``disturbed`` says that other processes computed
    meanwhile, in every repetition; ``remarks`` what else spoils the row (clocks that fell).
    ``layers`` counts the layers of the checkpoint that have this shape and pattern, ``macs`` are
    the multiply-adds of one input, padding included. ``gb_s`` is this form of the weight, read
    once a product; ``gflop_s`` counts the operations of the dense product, so that it can lie
    above what the machine computes.
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
    remarks: tuple[str, ...] = ()
    layers: int = 1
    macs: int = 0
    gb_s: float = 0.0
    gflop_s: float = 0.0


class NetworkRow(msgspec.Struct, frozen=True, tag_field="type", tag="network"):
    """A whole model that runs the plan, against the same model of torch alone.

    Times, ratio and interval as in ``SpeedRow``. ``max_error`` is the distance between the two
    outputs, over the largest; ``planned`` counts the layers that do not run dense.
    """

    task: str
    batch: int
    device: str
    threads: int
    median_ms: float
    dense_median_ms: float
    p10_ms: float
    p90_ms: float
    n: int
    ratio: float
    ratio_low: float
    ratio_high: float
    max_error: float
    planned: int
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


Row = SpeedRow | NetworkRow | Unavailable | Machine


class SpeedWanted(Message, frozen=True):
    """Time layers in a process of its own: ``SpeedRows`` as they come, then ``SpeedSaved``.

    Scans of this core wait meanwhile. Cancelling ends the process; what was measured until then
    is saved all the same.

    Attributes
    ----------
    path : str
        A checkpoint or run on the core's machine, "" for made-up layers alone.
    layers : str
        Glob of its layers.
    shapes, patterns : tuple of str
        Made-up layers, as ``--shape`` and ``--pattern`` take them.
    batches : tuple of int
    dtype : str
        "" is that of the file.
    backends : tuple of str
        None means all.
    device : str
    threads : int
    seconds : float
        Timed rounds a comparison.
    task : str
        A task whose model is timed as a whole; that of the run if it has one.
    python : str
        An interpreter, "" for the core's own.
    """

    path: str = ""
    layers: str = "*"
    shapes: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ("2:4",)
    batches: tuple[int, ...] = (1, 64)
    dtype: str = ""
    backends: tuple[str, ...] = ()
    device: str = "cpu"
    threads: int = 1
    seconds: float = 1.0
    task: str = ""
    python: str = ""


class SpeedRows(Message, frozen=True):
    """Rows of a speed test, in the order in which they were measured."""

    rows: tuple[Row, ...]


class SpeedSaved(Message, frozen=True):
    """The end of a speed test; ``path`` holds its rows, "" where there were none."""

    path: str


class SpeedHistoryWanted(Message, frozen=True):
    """The speed tests of a checkpoint that are kept: one ``SpeedHistory``, the latest first."""

    path: str


class SpeedHistory(Message, frozen=True):
    """Files of rows as columns; ``started`` is float64, seconds since 1970."""

    paths: tuple[str, ...]
    titles: tuple[str, ...]
    started: bytes


class SpeedResultWanted(Message, frozen=True):
    """The rows in a file, one that is kept or one of another machine: ``SpeedRows``, ``Done``."""

    path: str
