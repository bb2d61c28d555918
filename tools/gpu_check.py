"""Check the CUDA backends on the GPU of this machine, then time them: ``make gpu-check``.

The build's own tests need no GPU; what only a GPU can show is here: that each backend gives the
product (against fp64), and what it gains. Exit status 0 where every product is right, 1 where one
is not, 3 without a CUDA device.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from itertools import product

import torch

from sparse_core.inference.backends import BY_NAME
from sparse_core.inference.layer import SparseLayer
from sparse_core.messages.speed import SpeedRow, Unavailable
from sparse_core.patterns import NMPattern
from sparse_core.speed.comparison import Setting
from sparse_core.speed.layers import DTYPES, made_layer
from sparse_core.speed.lock import machine_lock
from sparse_core.speed.rounds import Effort
from sparse_core.speed.session import TOLERANCE, measure_layers
from sparse_core.speed.telemetry import Unread, disturbances, read

WRONG = 1
NO_DEVICE = 3
BACKENDS = ("compact", "semi_structured", "nm_triton", "csr", "bsr")
PATTERNS = ("2:4", "1:4", "1:8", "1:16", "3:5")
ODD_SHAPES = ((128, 128), (96, 1000), (33, 70), (5, 18))
BRIEF = Effort(warm_up_s=0.0, seconds=0.0, rounds=3, repeats=0)


def layers(
    shapes: Iterable[tuple[int, ...]], patterns: Iterable[str], formats: Iterable[str]
) -> Iterator[SparseLayer]:
    """Make layers up, every shape in every pattern and format."""
    for shape, pattern, name in product(shapes, patterns, formats):
        yield made_layer(shape, NMPattern.parse(pattern), DTYPES[name])


def right(row: SpeedRow) -> bool:
    """Whether a product is as near to fp64 as its format allows; NaN is not."""
    return row.max_error <= TOLERANCE[row.dtype]


def line(row: SpeedRow) -> str:
    """Write a row of the table."""
    interval = f"[{row.ratio_low:5.2f}, {row.ratio_high:5.2f}]"
    mark = "" if right(row) else "  WRONG"
    shown = f"{row.layer:18} {row.dtype:9} {row.batch:6} {row.backend:16}"
    times = f"{row.median_ms:9.4f} {row.p10_ms:9.4f} {row.p90_ms:9.4f}"
    return f"{shown} {times} {row.ratio:6.2f} {interval} {row.max_error:9.1e}{mark}"


HEADING = (
    f"{'layer':18} {'format':9} {'batch':>6} {'backend':16} {'median ms':>9} {'p10':>9} {'p90':>9} "
    f"{'ratio':>6} {'95 % interval':14} {'error':>9}"
)


def report(rows: Iterable[SpeedRow | Unavailable]) -> list[SpeedRow]:
    """Print rows as they come, each refusal once; give those whose product is wrong."""
    print(HEADING)
    wrong, said = [], set[tuple[str, str]]()
    for row in rows:
        if isinstance(row, SpeedRow):
            print(line(row), flush=True)
            wrong += [] if right(row) else [row]
        elif (row.backend, row.reason) not in said:
            said.add((row.backend, row.reason))
            print(f"{row.layer:18} {row.backend} cannot run: {row.reason}", flush=True)
    return wrong


def run(device: str, sides: int, batches: list[int], seconds: float) -> int:
    """Check numerics at odd shapes, then time at one large shape."""
    backends = [BY_NAME[name] for name in BACKENDS]
    uuid = str(torch.cuda.get_device_properties(device).uuid)
    before = read(uuid)
    print(torch.cuda.get_device_name(device), f"torch {torch.__version__}", before, sep="; ")
    print("\nNumerics against fp64 (times are not to be read here)")
    small = [Setting(device, batch) for batch in (1, 3, 17, 64)]
    formats = ("fp32", "fp16", "bf16")
    wrong = report(measure_layers(layers(ODD_SHAPES, PATTERNS, formats), small, backends, BRIEF))
    print(f"\nTimings, {sides} x {sides}; ratio is dense time over sparse time")
    large = [Setting(device, batch) for batch in batches]
    timed = layers([(sides, sides)], PATTERNS[:4], formats[1:])
    before = read(uuid)
    wrong += report(measure_layers(timed, large, backends, Effort(seconds=seconds)))
    after = read(uuid)
    spoiled = disturbances(before, after)
    if isinstance(after, Unread):
        print(f"Clocks and power were not read: {after.reason}.")
    elif spoiled:
        print(f"Disturbed: {', '.join(spoiled)}. Repeat on a cool, idle machine.")
    print(f"\n{len(wrong)} wrong products." if wrong else "\nEvery product is right.")
    return WRONG if wrong else 0


def main() -> int:
    """Read the command line and run, if there is something to run on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--sides", type=int, default=4096, help="of the timed weight (4096)")
    parser.add_argument("--batch", default="1,8,64,512", help="timed batches (1,8,64,512)")
    parser.add_argument("--seconds", type=float, default=0.5, help="a comparison (0.5)")
    args = parser.parse_args()
    if not torch.cuda.is_available():
        print("No CUDA device: nothing was checked and nothing was timed here.", file=sys.stderr)
        return NO_DEVICE
    with machine_lock():
        return run(args.device, args.sides, [int(b) for b in args.batch.split(",")], args.seconds)


if __name__ == "__main__":
    sys.exit(main())
