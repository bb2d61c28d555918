"""Judge every tensor of a checkpoint: is it sparse, in which pattern, and where not.

Exit status: 0 done, 1 a layer fails ``--require`` or none is meant by it, 2 bad input.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from math import isfinite
from time import perf_counter
from typing import TextIO, get_args

import msgspec

from sparse_core.commands.child import complain, run_in_child
from sparse_core.errors import SparseError
from sparse_core.messages import CheckpointSummary, LayerReport, Rule, ScanOptions, Verdict
from sparse_core.patterns import AXES, NMPattern

SUMMARY = "judge every tensor of a checkpoint"

GATE_FAILED = 1
BAD_INPUT = 2

_LAYER = (
    *("name", "kind", "shape", "dtype", "elements", "rule", "zeros", "raw_zeros", "mask_zeros"),
    *("near_zeros", "nan", "inf", "min", "max", "mean", "std", "pattern", "axis", "ambiguous"),
    *("groups", "bad_groups", "zero_rows", "zero_columns", "class"),
)
_CHECKPOINT = (
    *("path", "format", "writer", "containers", "tensors", "elements", "unique_elements"),
    *("other_tensors", "bytes"),
)
_VERDICT = ("text", "prunable", "sparse", "broken", "unstructured", "dense")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command understands."""
    add = parser.add_argument
    add("path", help="a checkpoint file or folder")
    add("--rule", choices=get_args(Rule), default="auto", help="where masks come from")
    add("--pattern", metavar="N:M", help="judge every layer against this pattern")
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
    add("--json", action="store_true", help="one JSON object a line and nothing else")
    add("--no-cache", action="store_true", help="neither read nor write the analysis cache")
    add("--require", metavar="N:M", help="exit 1 unless every prunable layer keeps this pattern")
    add("--layers", default="*", metavar="GLOB", help="the layers that --require is about")


def run(args: argparse.Namespace) -> int:
    """Scan in a child process, and print what it found."""
    options = options_of(args)
    show = sys.stderr.isatty() and not args.json
    return run_in_child(lambda out: scan_to(out, args, options, show_progress=show), args.path)


def options_of(args: argparse.Namespace) -> ScanOptions:
    """Read the options.

    Raises
    ------
    SparseError
        If one of them makes no sense.
    """
    axis, axes = _axes(args.axis)
    pattern = _required(args)
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
    from sparse_core.analysis.scan import ScanStream
    from sparse_core.checkpoints import open_checkpoint
    from sparse_core.commands.progress import ProgressBar

    started = perf_counter()
    with open_checkpoint(args.path, args.container) as checkpoint:
        check_overrides(options, checkpoint.tensors)
        if args.json:
            out.write(_line("checkpoint", _CHECKPOINT, _listed(checkpoint.summary)))
        with ProgressBar(sys.stderr if show_progress else None) as bar:
            stream = ScanStream(checkpoint, options, progress=bar.show, threads=args.threads)
            result = stream.run().result(perf_counter() - started)
        readable = [layer for layer in result.layers if not layer.error]
        if args.json:
            _write_json(out, readable, result.verdict)
            timing = {
                "read_bytes": result.read_bytes,
                "seconds": result.seconds,
                "native": result.native,
            }
            out.write(_line("timing", tuple(timing), timing))
        else:
            from sparse_core.commands.table import write_table

            write_table(out, checkpoint.summary, result)
    return _status(args, result.layers)


def _write_json(out: TextIO, layers: Sequence[LayerReport], verdict: Verdict) -> None:
    """Write a line a layer, and the verdict."""
    for layer in layers:
        out.write(_line("layer", _LAYER, msgspec.to_builtins(layer)))
    out.write(_line("verdict", _VERDICT, msgspec.to_builtins(verdict)))


def _line(kind: str, keys: Sequence[str], values: Mapping[str, object]) -> str:
    """Write one JSON object, its keys in the order that was promised."""
    ordered = {"type": kind, **{key: values[key] for key in keys}}
    return msgspec.json.encode(ordered).decode() + "\n"


def _listed(summary: CheckpointSummary) -> dict[str, object]:
    """Give what the first line holds."""
    values: dict[str, object] = msgspec.to_builtins(summary)
    # A path may hold bytes that are no UTF-8; JSON may not.
    return values | {"path": os.fsencode(summary.path).decode("utf-8", "replace")}


def _status(args: argparse.Namespace, layers: Sequence[LayerReport]) -> int:
    """Choose the exit status, and say what is wrong in one line."""
    unread = [layer for layer in layers if layer.error]
    if unread:
        complain(unread[0].error)
        return BAD_INPUT
    if args.require is None:
        return 0
    meant = [one for one in layers if one.class_ != "other" and fnmatchcase(one.name, args.layers)]
    failing = [one for one in meant if one.class_ != "sparse"]
    if not meant:
        complain(f"--layers {args.layers} matches no prunable layer: nothing is {args.require}.")
        return GATE_FAILED
    if failing:
        names = ", ".join(f"{one.name} ({one.bad_groups:,} bad groups)" for one in failing[:3])
        more = f" and {len(failing) - 3:,} more" if len(failing) > 3 else ""
        complain(
            f"{len(failing):,} of {len(meant):,} layers are not {args.require}: {names}{more}."
        )
        return GATE_FAILED
    return 0


def _required(args: argparse.Namespace) -> str | None:
    """Give the pattern that layers are judged against: the required one, or the given one."""
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
