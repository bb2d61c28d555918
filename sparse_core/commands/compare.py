"""Compare two checkpoints of one network: flips, norms, angles, violations, layer by layer."""

import argparse
import sys
from typing import TYPE_CHECKING, TextIO

import msgspec

from sparse_core.commands.child import complain, printable, run_in_child
from sparse_core.commands.timeline import add_masks, mask_options
from sparse_core.errors import SparseError
from sparse_core.messages.timeline import TimelineOptions

if TYPE_CHECKING:
    from sparse_core.analysis.compare import LayerComparison

SUMMARY = "compare two checkpoints layer by layer"
SORTS = {
    "flips": "sad",
    "jaccard": "jaccard",
    "norm": "norm_change",
    "cosine": "cosine",
    "new": "new_violations",
    "healed": "healed_violations",
}
"""What rows can be sorted by -> the field."""
_ASCENDING = ("jaccard", "cosine")
_HEADER = ("layer", "flips", "rate", "Jaccard", "norm", "cosine", "new bad", "healed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command understands."""
    parser.add_argument("a", metavar="A", help="a checkpoint")
    parser.add_argument("b", metavar="B", help="what became of it")
    add_masks(parser)
    parser.add_argument("--sort", choices=tuple(SORTS), help="what differs most goes first")


def run(args: argparse.Namespace) -> int:
    """Compare in a child process, and print what differs."""
    options = mask_options(args)
    return run_in_child(lambda out: _compare(out, args, options), args.a)


def _compare(out: TextIO, args: argparse.Namespace, options: TimelineOptions) -> int:
    """Compare and write."""
    from sparse_core.analysis.compare import compare_checkpoints
    from sparse_core.checkpoints import open_checkpoint
    from sparse_core.commands.progress import ProgressBar

    show = sys.stderr.isatty() and not args.json
    with (
        open_checkpoint(args.a) as a,
        open_checkpoint(args.b) as b,
        ProgressBar(sys.stderr if show else None) as bar,
    ):
        found = compare_checkpoints(a, b, options, progress=bar.show)
    for note in found.notes:
        complain(note)
    rows = [*sorted_rows(found.layers, args.sort), found.total]
    if args.json:
        out.writelines(msgspec.json.encode(row).decode() + "\n" for row in rows)
        return 0
    cells = [_HEADER, *(_cells(row) for row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(_HEADER))]
    for row in cells:
        first, *others = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        out.write("  ".join([first.strip().ljust(widths[0]), *others]) + "\n")
    return 0


def sorted_rows(
    rows: "tuple[LayerComparison, ...]", by: str | None
) -> "tuple[LayerComparison, ...]":
    """Put what differs most first; what has no such number goes last.

    Raises
    ------
    SparseError
        If ``by`` is nothing that rows are sorted by.
    """
    if by is None:
        return rows
    if by not in SORTS:
        raise SparseError(f"{by!r} is no column: sort by {', '.join(SORTS)}.")
    sign = 1 if by in _ASCENDING else -1

    def rank(row: "LayerComparison") -> tuple[bool, float]:
        value = getattr(row, SORTS[by])
        size = abs(value) if by == "norm" and value is not None else value
        return value is None, sign * (size or 0)

    return tuple(sorted(rows, key=rank))


def _cells(row: "LayerComparison") -> tuple[str, ...]:
    """Write a row for people."""
    return (
        "all" if row.layer is None else printable(row.layer),
        f"{row.sad:,}",
        f"{row.flip_rate:.3%}",
        f"{row.jaccard:.4f}",
        "" if row.norm_change is None else f"{row.norm_change:+.2%}",
        "" if row.cosine is None else f"{row.cosine:.4f}",
        "" if row.new_violations is None else f"{row.new_violations:,}",
        "" if row.healed_violations is None else f"{row.healed_violations:,}",
    )
