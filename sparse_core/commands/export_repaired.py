"""``export --repair``: a copy whose layers keep their pattern."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from sparse_core.analysis.words import percent, plural, size
from sparse_core.checkpoints.saving import check_target, discard_partial
from sparse_core.commands.child import printable, run_in_child
from sparse_core.errors import SparseError
from sparse_core.messages import ScanOptions
from sparse_core.patterns import NMPattern

if TYPE_CHECKING:
    from sparse_core.analysis.mending import Outcome


def run(args: argparse.Namespace) -> int:
    """Export in a child process: the file that is read may be truncated meanwhile."""
    if args.pattern or args.average != 1:
        raise SparseError("--repair copies one checkpoint: leave out --pattern and --average.")
    NMPattern.parse(args.repair)
    show = sys.stderr.isatty()
    status = run_in_child(lambda out: export(out, args, show_progress=show), str(args.source))
    if status:
        discard_partial(args.out)
    return status


def export(out: TextIO, args: argparse.Namespace, *, show_progress: bool = False) -> int:
    """Scan, repair, write, and say what was changed.

    Parameters
    ----------
    out : TextIO
    args : Namespace
    show_progress : bool

    Returns
    -------
    int
        The exit status.

    Raises
    ------
    SparseError
        If the checkpoint cannot be read or the copy not be written.
    """
    from sparse_core.analysis.mending import Wanted, choose, export_repaired
    from sparse_core.analysis.meter import Meter
    from sparse_core.analysis.scan import scan
    from sparse_core.checkpoints import open_checkpoint
    from sparse_core.commands.progress import ProgressBar

    wanted = Wanted(args.repair, args.axis, tuple(args.layers))
    with (
        open_checkpoint(_last(args.source), args.container) as checkpoint,
        ProgressBar(sys.stderr if show_progress else None) as bar,
    ):
        check_target(args.out, checkpoint.local_files())
        reports = scan(checkpoint, ScanOptions(), progress=bar.show).layers
        chosen = choose(checkpoint, reports, wanted)
        meter = Meter(checkpoint.summary.bytes, bar.show)
        outcome = export_repaired(checkpoint, chosen, args.out, meter.add)
        writer = checkpoint.writer
    _describe(out, outcome, writer)
    return 0


def _describe(out: TextIO, outcome: "Outcome", writer: str) -> None:
    """Say what was changed and what was written."""
    changed = [one for one in outcome.mended if one.changes.weights]
    for one in changed:
        changes = one.changes
        out.write(
            f"{printable(one.name)}: {one.pattern} along {one.pattern.axis}, "
            f"{plural(changes.weights, 'weight')} dropped in {plural(changes.groups, 'group')}, "
            f"{percent(changes.dropped_norm, changes.norm)} of its norm\n"
        )
    kept = len(outcome.mended) - len(changed)
    if kept:
        out.write(f"{plural(kept, 'layer')} kept it already.\n")
    if outcome.plain:
        count = plural(len(outcome.plain), "more tensor")
        out.write(f"{count} had masks or packed forms{_by(writer)} and came out plain.\n")
    if outcome.left:
        out.write(f"Not copied: {printable(', '.join(outcome.left))}.\n")
    out.write(f"{printable(str(outcome.target))}: {size(outcome.bytes)} of weights.\n")


def _last(source: Path) -> Path:
    """Give the last checkpoint of a run folder; a checkpoint itself."""
    from sparse_core.runs.folder import RunFolder

    folder = RunFolder(source)
    if not folder.config.is_file():
        return source
    steps = folder.steps(folder.checkpoints)
    if not steps:
        raise SparseError(f"{source} has no checkpoint yet: nothing can be exported.")
    return folder.checkpoint(steps[-1])


def _by(writer: str) -> str:
    """Name the tool whose forms they were."""
    return f" ({writer})" if writer else ""
