"""Judge every tensor of a checkpoint: is it sparse, in which pattern, and where not.

Exit status: 0 done, 1 a layer fails --require or none is meant by it, or a tensor matches --where,
2 bad input.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from math import isfinite
from time import perf_counter
from typing import TextIO, get_args

import msgspec

from sparse_core.analysis.words import plural
from sparse_core.commands.child import complain, run_in_child
from sparse_core.errors import SparseError
from sparse_core.messages import LayerReport, Rule, ScanOptions
from sparse_core.messages.query import explained, parse
from sparse_core.patterns import AXES, NMPattern

SUMMARY = "judge every tensor of a checkpoint"

GATE_FAILED = 1
BAD_INPUT = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command understands."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = explained()
    add_judging(parser)
    add = parser.add_argument
    add("--pattern", metavar="N:M", help="judge every layer against this pattern")
    add("--json", action="store_true", help="one JSON object a line and nothing else")
    add("--require", metavar="N:M", help="exit 1 unless every prunable layer keeps this pattern")
    add("--layers", metavar="GLOB", help="the layers that --require is about (all)")
    add("--where", metavar="QUERY", help="only tensors that match, exit 1 if any does; see below")


def add_judging(parser: argparse.ArgumentParser) -> None:
    """Say what every command that scans understands, but for the pattern."""
    add = parser.add_argument
    add("path", help="a checkpoint file or folder")
    add("--rule", choices=get_args(Rule), default="auto", help="where masks come from")
    add(
        "--axis",
        action="append",
        default=[],
        metavar="in|out|kernel|GLOB=VALUE",
        help="group axis; by name also the number of the input dimension",
    )
    add(
        "--kind",
        action="append",
        default=[],
        metavar="GLOB=KIND",
        help="say what some tensors are: linear, conv, experts, embedding, ...",
    )
    add("--threshold", type=float, default=0.0, metavar="T", help="near zeros: 0 < |w| < T")
    add("--container", default="", metavar="KEY", help="which model of a nested file, or all")
    add("--threads", type=int, default=1, metavar="N", help="tensors read at a time (1)")
    add("--no-cache", action="store_true", help="neither read nor write the analysis cache")


def run(args: argparse.Namespace) -> int:
    """Scan in a child process, and print what it found."""
    options = options_of(args, _required(args))
    if args.where is not None:
        parse(args.where)
    show = sys.stderr.isatty() and not args.json
    return run_in_child(lambda out: scan_to(out, args, options, show_progress=show), args.path)


def options_of(args: argparse.Namespace, pattern: str | None) -> ScanOptions:
    """Read the options of ``add_judging``, and the pattern that layers are judged against.

    Raises
    ------
    SparseError
        If one of them makes no sense.
    """
    axis, axes = _axes(args.axis)
    if pattern is not None:
        NMPattern.parse(pattern)
    if not (isfinite(args.threshold) and args.threshold >= 0):
        raise SparseError("--threshold is a magnitude: write a number from 0 upwards.")
    if args.threads < 1:
        raise SparseError("--threads is a count: write a whole number from 1 upwards.")
    return ScanOptions(
        rule=args.rule,
        pattern=pattern,
        axis=axis,
        threshold=args.threshold,
        kinds=tuple(_pair("--kind", text) for text in args.kind),
        axes=axes,
        cache=not args.no_cache,
    )


def scan_to(
    out: TextIO, args: argparse.Namespace, options: ScanOptions, *, show_progress: bool = False
) -> int:
    """Scan and write to a stream.

    Parameters
    ----------
    out : TextIO
        Gets JSON lines or a table.
    args : Namespace
    options : ScanOptions
    show_progress : bool
        Whether a progress bar may be drawn on stderr.

    Returns
    -------
    int
        The exit status.

    Raises
    ------
    SparseError
        If the checkpoint cannot be read.
    """
    # Imported here: the parent process needs none of it.
    from sparse_core.analysis.kinds import check_overrides
    from sparse_core.analysis.lines import checkpoint_line, layer_line, verdict_line
    from sparse_core.analysis.scan import ScanStream
    from sparse_core.checkpoints import open_checkpoint
    from sparse_core.commands.progress import ProgressBar
    from sparse_core.commands.table import write_table

    started = perf_counter()
    with open_checkpoint(args.path, args.container) as checkpoint:
        check_overrides(options, checkpoint.tensors)
        if args.json:
            _write(out, checkpoint_line(checkpoint.summary))
        with ProgressBar(sys.stderr if show_progress else None) as bar:
            stream = ScanStream(checkpoint, options, progress=bar.show, threads=args.threads)
            result = stream.run().result(perf_counter() - started)
    shown = _matching(args, result.layers)
    if args.json:
        for layer in shown:
            if not layer.error:
                _write(out, layer_line(layer))
        _write(out, verdict_line(result.verdict))
        timing = {"read_bytes": result.read_bytes, "seconds": result.seconds}
        _write(out, {"type": "timing", **timing, "native": result.native})
    else:
        write_table(out, checkpoint.summary, result, shown, args.container)
    return _status(args, result.layers, shown)


def _write(out: TextIO, line: Mapping[str, object]) -> None:
    """Write one JSON object as a line."""
    out.write(msgspec.json.encode(line).decode() + "\n")


def _matching(args: argparse.Namespace, layers: Sequence[LayerReport]) -> Sequence[LayerReport]:
    """Give the tensors to show: all, or those that ``--where`` asks for."""
    from sparse_core.analysis.where import matches

    if args.where is None:
        return layers
    query = parse(args.where)
    return [layer for layer in layers if not layer.error and matches(layer, query)]


def _status(
    args: argparse.Namespace, layers: Sequence[LayerReport], shown: Sequence[LayerReport]
) -> int:
    """Choose the exit status, and say what is wrong in one line."""
    unread = [layer for layer in layers if layer.error]
    if unread:
        complain(unread[0].error)
        return BAD_INPUT
    sentence = _failed_requirement(args, layers)
    if args.where is not None and shown:
        matched = f"{len(shown):,} of {len(layers):,} tensors match {args.where!r}"
        sentence = f"{matched}. {sentence}" if sentence else f"{matched}: {_some(shown)}."
    if sentence:
        complain(sentence)
    return GATE_FAILED if sentence else 0


def _failed_requirement(args: argparse.Namespace, layers: Sequence[LayerReport]) -> str:
    """Say which layers fail ``--require``; "" where none does, or nothing is required."""
    if args.require is None:
        return ""
    glob = args.layers or "*"
    meant = [one for one in layers if one.class_ != "other" and fnmatchcase(one.name, glob)]
    failing = [one for one in meant if one.class_ != "sparse"]
    if not meant:
        return f"--layers {glob} matches no prunable layer: nothing is {args.require}."
    if not failing:
        return ""
    return (
        f"{len(failing):,} of {len(meant):,} layers are not {args.require}: {_some(failing, True)}."
    )


def _some(layers: Sequence[LayerReport], bad: bool = False) -> str:
    """Name the first few, with their bad groups where asked."""
    names = [
        f"{one.name} ({plural(one.bad_groups or 0, 'bad group')})" if bad else one.name
        for one in layers
    ]
    more = f" and {len(layers) - 3:,} more" if len(layers) > 3 else ""
    return f"{', '.join(names[:3])}{more}"


def _required(args: argparse.Namespace) -> str | None:
    """Give the pattern that layers are judged against: the required one, or the given one."""
    if args.require is None and args.layers is not None:
        raise SparseError(
            f"--layers {args.layers} says what --require is about: add --require N:M, or show "
            "some rows by --where."
        )
    if args.require is None or args.pattern is None or args.pattern == args.require:
        pattern: str | None = args.require or args.pattern
        return pattern
    raise SparseError(
        f"--require {args.require} and --pattern {args.pattern} disagree: give one of them."
    )


def _axes(texts: Sequence[str]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Tell the group axis of all from overrides by name."""
    axis, overrides = "in", []
    for text in texts:
        if "=" in text:
            overrides.append(_pair("--axis", text))
        elif text in AXES:
            axis = text
        else:
            raise SparseError(f"--axis {text}: write in, out, kernel or GLOB=VALUE.")
    return axis, tuple(overrides)


def _pair(option: str, text: str) -> tuple[str, str]:
    """Read ``GLOB=VALUE``; the last equals sign divides them."""
    glob, sign, value = text.rpartition("=")
    if not (sign and glob and value):
        raise SparseError(f"{option} {text}: write GLOB=VALUE.")
    return glob, value
