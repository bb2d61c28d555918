"""Write a report of a checkpoint: one HTML file that needs nothing else, and its twin in JSON.

The same file under the same options gives the same bytes. An older report of that name is
replaced, anything else is not.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from sparse_core.checkpoints.saving import check_target, discard_partial, same_file, write_whole
from sparse_core.commands.child import complain, printable, run_in_child
from sparse_core.commands.scan import BAD_INPUT, add_judging, options_of
from sparse_core.errors import SparseError
from sparse_core.messages import ScanOptions

SUMMARY = "write a report of a checkpoint as HTML and JSON"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command understands."""
    add_judging(parser)
    add = parser.add_argument
    add("--pattern", metavar="N:M", help="judge every layer against this pattern")
    add("--out", type=Path, required=True, metavar="FILE.html", help="the page to write")
    add("--json", type=Path, metavar="FILE.json", help="also write the same as JSON")


def run(args: argparse.Namespace) -> int:
    """Read in a child process, and write the report."""
    options = options_of(args, args.pattern)
    if args.json is not None and args.json.absolute() == args.out.absolute():
        raise SparseError("--out and --json name the same file: give two.")
    show = sys.stderr.isatty()
    status = run_in_child(
        lambda out: write_report(out, args, options, show_progress=show), args.path
    )
    if status:
        for target in filter(None, (args.out, args.json)):
            discard_partial(target)
    return status


def write_report(
    out: TextIO, args: argparse.Namespace, options: ScanOptions, *, show_progress: bool = False
) -> int:
    """Gather and write.

    Parameters
    ----------
    out : TextIO
        Gets the verdict and the names of what was written.
    args : Namespace
    options : ScanOptions
    show_progress : bool

    Returns
    -------
    int
        The exit status.

    Raises
    ------
    SparseError
        If the checkpoint cannot be read or the report not be written.
    """
    # Imported here: the parent process needs none of it.
    from sparse_core.analysis.kinds import check_overrides
    from sparse_core.analysis.report import gather, pages
    from sparse_core.analysis.report.page import HTML_MARK, JSON_MARK
    from sparse_core.checkpoints import open_checkpoint
    from sparse_core.commands.progress import ProgressBar

    marks = {args.out: HTML_MARK} | ({} if args.json is None else {args.json: JSON_MARK})
    with open_checkpoint(args.path, args.container) as checkpoint:
        check_overrides(options, checkpoint.tensors)
        for target, mark in marks.items():
            _check(target, mark, checkpoint.files)
        with ProgressBar(sys.stderr if show_progress else None) as bar:
            material = gather(checkpoint, options, threads=args.threads, progress=bar.show)
        made = dict(zip(marks, pages(material), strict=False))
        for target, content in made.items():
            write_whole(target, [content], replace=target.exists())
    out.write(f"{printable(material.verdict.text)}\n")
    for target, content in made.items():
        out.write(f"{printable(str(target))}: {len(content):,} bytes\n")
    unread = [layer.error for layer in material.layers if layer.error]
    if unread:
        complain(unread[0])
    return BAD_INPUT if unread else 0


def _check(target: Path, mark: bytes, inputs: Sequence[Path]) -> None:
    """Refuse a place where something else than an older report lies."""
    if not any(same_file(target, one) for one in inputs) and _is_report(target, mark):
        return
    check_target(target, inputs)


def _is_report(target: Path, mark: bytes) -> bool:
    """Say whether an older report lies there."""
    try:
        with target.open("rb") as file:
            return file.read(len(mark)) == mark
    except OSError:
        return False
