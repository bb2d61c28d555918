"""Say when masks moved: SAD, births and deaths, step by step and layer by layer.

Each SERIES is a run folder, or a folder or glob of checkpoints; checkpoints that are named one by
one are one series together.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any, TextIO, get_args

import msgspec

from sparse_core.commands.child import complain, printable, run_in_child
from sparse_core.errors import SparseError
from sparse_core.messages import Rule
from sparse_core.messages.timeline import SeriesId, TimelineOptions
from sparse_core.patterns import AXES, NMPattern

if TYPE_CHECKING:
    from sparse_core.analysis.timeline.result import Timeline

Line = dict[str, object]

SUMMARY = "say when the masks of a series moved"
FOLLOW_S = 2.0
"""Seconds between two looks at a folder that grows."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command understands."""
    add_series(parser)
    add_masks(parser)
    add = parser.add_argument
    add("--reference", default="", metavar="PATH", help="compare all with this checkpoint, too")
    add("--epsilon", type=float, default=0.0, metavar="RATE", help="flip rate that counts as none")
    add("--nnstd", action="store_true", help="distances that ignore how neurons are numbered")
    add("--fix-outputs", action="store_true", help="NNSTD: the last layer's neurons stay in place")
    add("--nnstd-limit", type=int, default=2048, metavar="N", help="most neurons a layer (2048)")
    add("--worst", type=int, default=0, metavar="N", help="name N weights a layer that flip most")
    add("--follow", action="store_true", help="go on while checkpoints come")
    add("--figures", type=Path, metavar="DIR", help="write CSV, a matplotlib script, its PDF")
    add("--width", type=float, default=3.25, metavar="IN", help="of the figure (3.25; or 6.75)")
    add("--python", action="store_true", help="print the Python that gives the same numbers")


def add_series(parser: argparse.ArgumentParser) -> None:
    """Say what names series of checkpoints."""
    parser.add_argument("series", nargs="+", metavar="SERIES", help="run, folder, glob, or files")
    add = parser.add_argument
    add(
        "--exclude", action="append", default=[], metavar="GLOB", help="names or steps to leave out"
    )


def add_masks(parser: argparse.ArgumentParser) -> None:
    """Say how masks are made."""
    add = parser.add_argument
    add("--rule", choices=get_args(Rule), default="auto", help="where masks come from")
    add("--pattern", metavar="N:M", help="project to this; fits an ordinary dense training, too")
    add("--axis", choices=AXES, default="in", help="where its groups run")
    add("--layers", default="*", metavar="GLOB", help="the layers to look at")
    add("--no-cache", action="store_true", help="neither read nor write the analysis cache")
    add("--json", action="store_true", help="one JSON object a line and nothing else")


def run(args: argparse.Namespace) -> int:
    """Read in a child process, and print what it found."""
    if not 0 <= args.epsilon <= 1:
        raise SparseError("--epsilon is a flip rate: write a number from 0 to 1.")
    options = mask_options(args, reference=args.reference, epsilon=args.epsilon)
    return run_in_child(lambda out: _timeline(out, args, options), args.series[0])


def mask_options(args: argparse.Namespace, **more: Any) -> TimelineOptions:
    """Read the options of ``add_masks``.

    Raises
    ------
    SparseError
        If one of them makes no sense.
    """
    if args.pattern is not None:
        NMPattern.parse(args.pattern)
        if args.rule not in ("auto", "projected"):
            raise SparseError(f"--pattern projects, --rule {args.rule} does not: give one of them.")
    return TimelineOptions(
        rule=args.rule,
        pattern=args.pattern,
        axis=args.axis,
        layers=args.layers,
        cache=not args.no_cache,
        **more,
    )


def _timeline(out: TextIO, args: argparse.Namespace, options: TimelineOptions) -> int:
    """Read every series and write what changed."""
    # Imported here: the parent process needs none of it.
    from sparse_core.analysis.timeline.library import as_python
    from sparse_core.analysis.timeline.lines import step_lines, summary_line
    from sparse_core.analysis.timeline.place import series_in

    series = series_in(args.series, args.exclude)
    if args.python:
        out.writelines(as_python(one, options) for one in series)
        return 0
    if args.follow:
        return _follow(out, args, series, options)
    lines = [(_name(one) if len(series) > 1 else "", _read(one, options, args)) for one in series]
    reference = bool(args.reference)
    for name, line in lines:
        _write(out, args, step_lines(line, reference=reference), name)
    if args.nnstd:
        _write(out, args, _distances(lines, options, args), "")
    for one, (name, line) in zip(series, lines, strict=True):
        if args.worst > 0:
            _write(out, args, _oscillators(one, line, options, args.worst), name)
        _write(out, args, [summary_line(line)], name)
    if args.figures is not None:
        _write_figures(args, lines)
    return 0


def _read(series: SeriesId, options: TimelineOptions, args: argparse.Namespace) -> "Timeline":
    """Read one series and say what was left out."""
    from sparse_core.analysis.timeline.reading import read_timeline
    from sparse_core.commands.progress import ProgressBar

    show = sys.stderr.isatty() and not args.json
    with ProgressBar(sys.stderr if show else None) as bar:
        line = read_timeline(series, options, progress=bar.show)
    for note in line.notes:
        complain(note)
    if len(line.points) < 2:
        raise SparseError(
            f"{_name(series)} has one checkpoint that can be read: nothing to compare. "
            "Name a second one, or --follow it."
        )
    return line


def _follow(
    out: TextIO, args: argparse.Namespace, series: Sequence[SeriesId], options: TimelineOptions
) -> int:
    """Write steps as their checkpoints come, until the run ends."""
    from sparse_core.analysis.timeline.lines import step_lines, summary_line
    from sparse_core.analysis.timeline.place import is_over, place_of
    from sparse_core.analysis.timeline.reading import Following

    if len(series) > 1:
        raise SparseError("--follow looks at one series: name one.")
    place, following = place_of(series[0], options), Following(series[0], options)
    line: Timeline | None = None
    told: set[str] = set()
    while True:
        over, news = is_over(place), following.poll()
        if news is not None:
            written = len(line.points) if line is not None else 0
            grown = line is not None and news.points[:written] == line.points
            for note in [note for note in news.notes if note not in told]:
                told.add(note)
                complain(note)
            first = max(written, 1) if grown else 1
            _write(out, args, step_lines(news, first, reference=bool(args.reference)), "")
            out.flush()
            line = news
        elif over:
            break
        sleep(FOLLOW_S)
    if line is not None:
        _write(out, args, [summary_line(line)], "")
    return 0


def _distances(
    lines: "Sequence[tuple[str, Timeline]]", options: TimelineOptions, args: argparse.Namespace
) -> Iterator[Line]:
    """Measure NNSTD: of one series to its reference, of several between their last checkpoints."""
    from sparse_core.analysis.timeline.library import nnstd
    from sparse_core.analysis.timeline.lines import distance_lines

    if len(lines) > 1:
        pairs = list(combinations([(name, line.points[-1].path) for name, line in lines], 2))
    else:
        line = lines[0][1]
        first = (line.reference, options.reference or line.points[0].path)
        points = [(point.name, point.path) for point in line.points]
        pairs = [(first, point) for point in points if point[1] != first[1]]
    words = {name: getattr(options, name) for name in ("rule", "pattern", "axis", "layers")}
    limits = {"fix_outputs": args.fix_outputs, "limit": args.nnstd_limit}
    for (one, path), (other, other_path) in pairs:
        yield from distance_lines(one, other, nnstd(path, other_path, **limits, **words))


def _oscillators(
    series: SeriesId, line: "Timeline", options: TimelineOptions, count: int
) -> Iterator[Line]:
    """Name the weights of each layer that flip most."""
    from sparse_core.analysis.timeline.layer_story import LayerStory
    from sparse_core.analysis.timeline.lines import oscillator_lines

    for layer in dict.fromkeys(one.name for one in line.layers):
        story = LayerStory(series, options, line, layer)
        yield from oscillator_lines(layer, story.history().worst(count))


def _write_figures(args: argparse.Namespace, lines: "Sequence[tuple[str, Timeline]]") -> None:
    """Write the figure bundle and say what it is."""
    from sparse_core.analysis.timeline.bundle import PDF, write_bundle

    written = write_bundle(args.figures, lines, args.width)
    complain(f"Wrote {', '.join(str(path) for path in written)}.")
    if PDF not in [path.name for path in written]:
        complain(f"There is no {PDF}: matplotlib is not installed.")


def _write(out: TextIO, args: argparse.Namespace, rows: Iterable[Line], name: str) -> None:
    """Write rows as JSON, or as people read them; of several series each bears its name."""
    for row in rows:
        if args.json:
            named = row | ({"series": name} if name else {})
            out.write(msgspec.json.encode(named).decode() + "\n")
        else:
            out.writelines(f"{text}\n" for text in _texts(row, name))


def _texts(row: Line, name: str) -> Iterator[str]:
    """Write a row for people: totals, distances, and when layers froze."""
    series, layer = (f"{printable(name)} " if name else ""), row.get("layer")
    if row["type"] == "summary":
        for one in msgspec.convert(row["layers"], list[dict[str, Any]]):
            froze, net = one["froze_at"], one["net_over_gross"]
            when = "still moves" if froze is None else f"frozen at step {froze}"
            drift = "" if net is None else f", net over gross {net:.3f}"
            yield f"{series}{printable(one['layer'])}: {when}{drift}"
    elif row["type"] == "nnstd":
        what = "network" if layer is None else layer
        yield printable(f"NNSTD {row['from']} to {row['to']}, {what}: {row['distance']:.4f}")
    elif row["type"] == "oscillator":
        place = f"row {row['row']}, column {row['column']}"
        yield printable(f"{series}{layer} {place}: {row['flips']} flips")
    elif layer is None:
        flips = f"{row['sad']:>9,} of {row['entries']:,} flipped ({row['flip_rate']:.3%})"
        if row["type"] == "reference":
            yield f"{series}step {row['to']:>7} against {printable(str(row['from']))}: {flips}"
            return
        halves = f"{row['births']:,} births, {row['deaths']:,} deaths"
        yield f"{series}step {row['from']:>7} to {row['to']:>7}: {flips}, {halves}"


def _name(series: SeriesId) -> str:
    """Name a series: its folder or glob, or its first checkpoint."""
    return Path(series.sources[0]).name or series.sources[0]
