"""Write a report of a checkpoint: one HTML file that needs nothing else, and its twin in JSON.

The same file under the same options gives the same bytes. An older report of that name is
replaced, anything else is not.
"""

import argparse
import sys
from pathlib import Path
from typing import TextIO

from sparse_core.commands.child import complain, printable, run_in_child
from sparse_core.commands.scan import BAD_INPUT, add_judging, options_of
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
    show = sys.stderr.isatty()
    status = run_in_child(
        lambda out: write_report(out, args, options, show_progress=show), args.path
    )
    if status:
        # Imported here: the parent process needs it only then.
        from sparse_core.analysis.report.place import Place

        Place(args.out, args.json).discard_partial()
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
    from sparse_core.analysis.report.place import Place
    from sparse_core.checkpoints import open_checkpoint
    from sparse_core.commands.progress import ProgressBar

    place = Place(args.out, args.json, replace=True)
    with open_checkpoint(args.path, args.container) as checkpoint:
        check_overrides(options, checkpoint.tensors)
        place.check(checkpoint.local_files())
        with ProgressBar(sys.stderr if show_progress else None) as bar:
            material = gather(checkpoint, options, threads=args.threads, progress=bar.show)
        written = place.write(pages(material))
    out.write(f"{printable(material.verdict.text)}\n")
    for target, count in written.items():
        out.write(f"{printable(str(target))}: {count:,} bytes\n")
    unread = [layer.error for layer in material.layers if layer.error]
    if unread:
        complain(unread[0])
    return BAD_INPUT if unread else 0
