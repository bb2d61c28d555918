"""Time sparse layers against dense ones on this machine, and say what is faster.

Without a checkpoint, ``--shape`` and ``--pattern`` make layers up. ``ratio`` is dense time over
sparse time with its 95 % interval; a ratio whose interval spans 1 is no difference.
"""

import argparse
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from sparse_core.errors import SparseError
from sparse_core.messages.speed import (
    BACKENDS,
    FORMATS,
    Machine,
    NetworkRow,
    Row,
    SpeedRow,
    Unavailable,
)
from sparse_core.patterns import NMPattern
from sparse_core.runs.folder import RunFolder

if TYPE_CHECKING:
    from sparse_core.inference.layer import SparseLayer
    from sparse_core.inference.plan import Plan
    from sparse_core.speed.rounds import Effort

SUMMARY = "time sparse layers against dense ones"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command understands."""
    add = parser.add_argument
    add("path", nargs="?", help="a checkpoint; its distinct layers are timed")
    add("--layers", default="*", metavar="GLOB", help="which layers of the checkpoint")
    add("--shape", action="append", default=[], metavar="OxI[xHxW]", help="make up such a layer")
    add("--pattern", default="2:4", metavar="N:M,...", help="patterns of made-up layers (2:4)")
    add("--batch", default="1,64", metavar="B,...", help="batch sizes (1,64)")
    add("--dtype", choices=FORMATS, help="number format; default that of the file, or fp32")
    add("--backends", default="", metavar="NAME,...", help=f"of {', '.join(BACKENDS)} (all)")
    add("--device", default="cpu", help="cpu or cuda (cpu)")
    add("--threads", type=int, default=1, metavar="N", help="for dense and sparse alike (1)")
    add("--seconds", type=float, default=1.0, metavar="S", help="timed rounds a comparison (1)")
    add("--task", default="", help="time its model as a whole, too; that of a run is known")
    add("--plan", metavar="FILE", help="write the fastest correct backend of each layer")
    add("--json", action="store_true", help="one JSON object a line and nothing else")


def run(args: argparse.Namespace) -> int:
    """Measure under the machine's lock and print rows as they come."""
    batches, names = _batches(args.batch), _backends(args.backends)
    if args.path is None and not args.shape:
        raise SparseError("Nothing to time: name a checkpoint, or a layer as --shape 4096x4096.")
    # Not at the top: --help must not wait for torch.
    from sparse_core.inference.backends import BY_NAME
    from sparse_core.speed.comparison import Setting
    from sparse_core.speed.lock import machine_lock
    from sparse_core.speed.machine import machine
    from sparse_core.speed.rounds import Effort
    from sparse_core.speed.session import measure_layers, plan_of

    settings = [Setting(args.device, batch, args.threads) for batch in batches]
    backends, effort = [BY_NAME[name] for name in names], Effort(seconds=args.seconds)
    found: list[SpeedRow | Unavailable] = []
    twins: dict[str, tuple[str, ...]] = {}
    with machine_lock():
        for row in measure_layers(_layers(args, twins), settings, backends, effort, twins=twins):
            found.append(row)
            _print(row, as_json=args.json)
        if not found:
            raise SparseError(f"No linear or conv layer is named {args.layers}: see them by scan.")
        plans = [plan_of(found, setting, twins=twins) for setting in settings]
        stored = {name for names in twins.values() for name in names}
        for whole in _networks(args, [plan.of(stored) for plan in plans], effort):
            _print(whole, as_json=args.json)
        _print(machine(args.device, args.threads), as_json=args.json)
    if args.plan:
        plans[-1].save(Path(args.plan))
    return 0


def _networks(
    args: argparse.Namespace, plans: "list[Plan]", effort: "Effort"
) -> Iterator[NetworkRow | Unavailable]:
    """Time the model of a run or task as a whole, where there is one."""
    if args.path is None or not (args.task or RunFolder(Path(args.path)).config.is_file()):
        return
    import torch

    from sparse_core.speed.network import Network, time_network
    from sparse_core.training.subject import Subject, Where, resolve

    where = Where(Path(args.path), args.task, {}, args.device)
    _, task, _ = resolve(where)
    subject = Subject(where)
    pattern = subject.pattern()
    if pattern is not None:
        # Checkpoints of a run hold latent weights: what runs is their projection.
        for one in subject.chosen([], pattern):
            subject.project(one, pattern)
    examples = subject.data.valid
    for plan in plans:
        if all(choice.backend == "dense" for choice in plan.choices):
            reason = f"no layer is faster than dense at batch {plan.batch}"
            yield Unavailable("plan", task, reason)
            continue
        inputs = examples.pick(torch.arange(plan.batch) % len(examples)).inputs
        network = Network(task, subject.model, subject.task.outputs, inputs)
        yield time_network(network, plan, effort)


def _checkpoint(path: Path) -> Path:
    """Give a checkpoint: of a run its last one."""
    run = RunFolder(path)
    if not run.config.is_file():
        return path
    steps = run.steps(run.checkpoints)
    if not steps:
        raise SparseError(f"{path} has no checkpoint yet: train it, then time it.")
    return run.checkpoint(steps[-1])


def _layers(args: argparse.Namespace, twins: dict[str, tuple[str, ...]]) -> "Iterator[SparseLayer]":
    """Make layers up, then read those of the checkpoint and note which are alike."""
    from sparse_core.analysis.scan import scan
    from sparse_core.checkpoints import open_checkpoint
    from sparse_core.speed.layers import DTYPES, layers_of, made_layer, twins_of

    dtype = DTYPES[args.dtype] if args.dtype else None
    for shape, text in product(args.shape, args.pattern.split(",")):
        yield made_layer(_shape(shape), NMPattern.parse(text), dtype or DTYPES["fp32"])
    if args.path is not None:
        with open_checkpoint(_checkpoint(Path(args.path))) as checkpoint:
            reports = scan(checkpoint).layers
            twins.update(twins_of(reports, args.layers))
            yield from layers_of(checkpoint, reports, args.layers, dtype)


def _shape(text: str) -> tuple[int, ...]:
    """Read ``OxI`` or ``OxIxHxW``."""
    sides = text.lower().replace("×", "x").split("x")
    if len(sides) not in (2, 4) or not all(side.isdigit() and int(side) for side in sides):
        raise SparseError(f"{text!r} is no shape: write OUTxIN, or OUTxINxHEIGHTxWIDTH.")
    return tuple(int(side) for side in sides)


def _batches(text: str) -> list[int]:
    """Read batch sizes."""
    words = text.split(",")
    if not all(word.isdigit() and int(word) for word in words):
        raise SparseError(f"{text!r} are no batch sizes: write whole numbers above 0, as in 1,64.")
    return [int(word) for word in words]


def _backends(text: str) -> list[str]:
    """Choose backends by name."""
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in BACKENDS:
            raise SparseError(f"There is no backend {name}: choose of {', '.join(BACKENDS)}.")
    return names or list(BACKENDS)


def _print(row: Row, *, as_json: bool) -> None:
    """Write one row."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(row).decode() + "\n")
    elif isinstance(row, SpeedRow):
        mark = "  (disturbed by other processes)" if row.disturbed else ""
        finding = "no difference" if row.ratio_low <= 1 <= row.ratio_high else f"{row.ratio:.2f} x"
        sys.stdout.write(
            f"{row.layer:32} batch {row.batch:<5} {row.backend:15} {row.median_ms:9.3f} ms  "
            f"{finding:>13}  [{row.ratio_low:.2f}, {row.ratio_high:.2f}]  "
            f"error {row.max_error:.0e}{mark}\n"
        )
    elif isinstance(row, NetworkRow):
        finding = "no difference" if row.ratio_low <= 1 <= row.ratio_high else f"{row.ratio:.2f} x"
        sys.stdout.write(
            f"whole model, {row.planned} planned  batch {row.batch:<5} {row.median_ms:9.3f} ms  "
            f"{finding:>13}  [{row.ratio_low:.2f}, {row.ratio_high:.2f}]  "
            f"error {row.max_error:.0e}\n"
        )
    elif isinstance(row, Unavailable):
        sys.stdout.write(f"{row.layer:32} {row.backend} cannot run: {row.reason}\n")
    else:
        sys.stdout.write(_conditions(row))
    sys.stdout.flush()


def _conditions(found: Machine) -> str:
    """Say where this was measured."""
    lines = [
        f"{found.cpu}, {found.device}, {found.threads} thread(s), native {found.native}, "
        f"torch {found.torch}, Python {found.python}",
        f"ceilings: copy {found.ceilings.copy_gb_s:.1f} GB/s, "
        f"fp32 product {found.ceilings.product_gflop_s:.0f} GFLOP/s",
        *found.notes,
    ]
    return "\n".join(lines) + "\n"
