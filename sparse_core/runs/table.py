"""Runs side by side: the options that differ, what came of each, and means over seeds."""

import csv
import io
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import msgspec

from sparse_core.errors import RunError
from sparse_core.messages.jobs import JobState
from sparse_core.runs.config import read_config
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.job_state import standing_of
from sparse_core.runs.known import recall
from sparse_core.runs.ledger import Ledger
from sparse_core.runs.reader import read_events

FIGURES = ("best", "last", "flips", "frozen")
"""What groups give means and deviations of."""
_TITLES = {
    "best": "best {metric}",
    "last": "last {metric}",
    "flips": "flips in the last interval",
    "frozen": "layers frozen",
}


class Row(msgspec.Struct, frozen=True):
    """One run.

    Figures are None where they are not known: ``best`` and ``last`` metric and last ``loss`` on
    the validation split, ``flips`` (flip rate of the last interval), ``frozen`` (share of the
    layers), ``sparsity``; ``seconds`` of training.
    """

    folder: str
    name: str
    state: JobState
    options: dict[str, str]
    seed: int
    metric: str
    higher_is_better: bool
    step: int
    best: float | None
    last: float | None
    loss: float | None
    flips: float | None
    frozen: float | None
    sparsity: float | None
    seconds: float


class Group(msgspec.Struct, frozen=True):
    """Runs that differ only in their seed: of each figure the mean and the sample deviation."""

    title: str
    cells: tuple[str, ...]
    rows: tuple[int, ...]
    means: dict[str, float | None]
    deviations: dict[str, float | None]


class Table(msgspec.Struct, frozen=True):
    """Rows and groups; ``keys`` are the options in which the runs differ, seeds apart."""

    keys: tuple[str, ...]
    rows: tuple[Row, ...]
    groups: tuple[Group, ...]
    metric: str
    higher_is_better: bool
    notes: tuple[str, ...] = ()


def find_runs(folders: Iterable[Path]) -> list[Path]:
    """List the runs among folders and, of a folder that is none, those in it, by name.

    Raises
    ------
    RunError
        If a folder is no run and holds none.
    """
    found: list[Path] = []
    for folder in folders:
        if _is_run(folder):
            found.append(folder)
            continue
        try:
            inside = sorted(one for one in folder.iterdir() if _is_run(one))
        except OSError as error:
            raise RunError(f"{folder} cannot be listed: {error.strerror}.") from error
        if not inside:
            raise RunError(f"{folder} holds no run folder: name one that does.")
        found += inside
    return list(dict.fromkeys(found))


def _is_run(folder: Path) -> bool:
    return RunFolder(folder).config.is_file()


def read_row(folder: Path) -> Row:
    """Read what came of a run.

    Raises
    ------
    RunError
        If its ``run.json`` is damaged or of a newer program.
    """
    run = RunFolder(folder)
    config = read_config(run.config)
    ledger = Ledger(read_events(run.events))
    everything: dict[str, Any] = {
        **config.options,
        "task": config.task,
        "method": config.method,
        **config.method_options,
        **config.task_options,
    }
    options = {key: _text(value) for key, value in everything.items() if value is not None}
    options.pop("seed", None)
    return Row(
        folder=str(folder),
        name=folder.name,
        state=standing_of(folder, recall(str(folder))).state,
        options=options,
        seed=config.seed,
        metric=ledger.started.metric if ledger.started else "",
        higher_is_better=ledger.higher_is_better,
        step=ledger.step,
        best=ledger.best,
        last=ledger.metric,
        loss=ledger.loss,
        flips=ledger.flip_rate,
        frozen=ledger.frozen_share,
        sparsity=ledger.sparsity,
        seconds=ledger.elapsed_s,
    )


def table_of(rows: Sequence[Row]) -> Table:
    """Put runs side by side."""
    keys = _differing(rows)
    metrics = {row.metric for row in rows if row.metric}
    shared = len(metrics) == 1
    notes = () if len(metrics) <= 1 else ("The runs measure different things: compare with care.",)
    return Table(
        keys=keys,
        rows=tuple(rows),
        groups=_groups(rows, keys),
        metric=next(iter(metrics)) if shared else "",
        higher_is_better=all(row.higher_is_better for row in rows),
        notes=notes,
    )


def _differing(rows: Sequence[Row]) -> tuple[str, ...]:
    known = dict.fromkeys(key for row in rows for key in row.options)
    return tuple(key for key in known if len({row.options.get(key) for row in rows}) > 1)


def _groups(rows: Sequence[Row], keys: Sequence[str]) -> tuple[Group, ...]:
    members: dict[tuple[str, ...], list[int]] = {}
    for number, row in enumerate(rows):
        members.setdefault(tuple(row.options.get(key, "") for key in keys), []).append(number)
    return tuple(_group(rows, keys, cells, tuple(numbers)) for cells, numbers in members.items())


def _group(
    rows: Sequence[Row], keys: Sequence[str], cells: tuple[str, ...], numbers: tuple[int, ...]
) -> Group:
    means, deviations = {}, {}
    for figure in FIGURES:
        known = [
            value
            for number in numbers
            if (value := getattr(rows[number], figure)) is not None and math.isfinite(value)
        ]
        means[figure] = fmean(known) if known else None
        deviations[figure] = stdev(known) if len(known) > 1 else None
    named = [f"{key} {cell}" for key, cell in zip(keys, cells, strict=True) if cell]
    title = ", ".join(named) or rows[numbers[0]].options.get("method", "")
    return Group(title, cells, numbers, means, deviations)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


# ---------------------------------------------------------------- text


def as_csv(table: Table) -> str:
    """Write a row a run, numbers with all their digits."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    figures = ("step", "best", "last", "loss", "flips", "frozen", "sparsity", "seconds")
    writer.writerow(["run", "state", *table.keys, "seed", "metric", *figures])
    for row in table.rows:
        cells = [row.options.get(key, "") for key in table.keys]
        values = ["" if (one := getattr(row, name)) is None else one for name in figures]
        writer.writerow([row.name, row.state, *cells, row.seed, row.metric, *values])
    return out.getvalue()


def as_latex(table: Table) -> str:
    """Write a row a group, mean and deviation; needs the package booktabs."""
    metric = table.metric or "metric"
    titles = [_TITLES[figure].format(metric=metric) for figure in FIGURES]
    head = [*table.keys, "seeds", *titles]
    lines = [
        rf"\begin{{tabular}}{{{'l' * len(table.keys)}r{'r' * len(FIGURES)}}}",
        r"\toprule",
        " & ".join(_escaped(title) for title in head) + r" \\",
        r"\midrule",
    ]
    for group in table.groups:
        numbers = [_latex_number(group, figure) for figure in FIGURES]
        cells = [_escaped(cell) for cell in (*group.cells, str(len(group.rows)))]
        lines.append(" & ".join([*cells, *numbers]) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _latex_number(group: Group, figure: str) -> str:
    return spread(group, figure, r" $\pm$ ") or "--"


def spread(group: Group, figure: str, between: str = " ± ") -> str:
    """Write a mean with its deviation: as many digits as the deviation has two of."""
    mean, deviation = group.means[figure], group.deviations[figure]
    if mean is None:
        return ""
    if not deviation:
        return f"{mean:.4g}"
    digits = max(0, 1 - math.floor(math.log10(deviation)))
    return f"{mean:.{digits}f}{between}{deviation:.{digits}f}"


_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    }
)


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)


def columns_of(table: Table) -> list[tuple[str, Callable[[Row], str]]]:
    """Give title and text of each column of a run, for people."""
    metric = table.metric or "metric"

    def option(key: str) -> Callable[[Row], str]:
        return lambda row: row.options.get(key, "")

    def number(name: str, form: str) -> Callable[[Row], str]:
        return lambda row: "" if (one := getattr(row, name)) is None else format(one, form)

    return [
        ("run", lambda row: row.name),
        ("state", lambda row: row.state),
        *((key, option(key)) for key in table.keys),
        ("seed", number("seed", "d")),
        ("step", number("step", ",d")),
        (f"best {metric}", number("best", ".4f")),
        (f"last {metric}", number("last", ".4f")),
        ("flips", number("flips", ".3%")),
        ("frozen", number("frozen", ".0%")),
        ("sparsity", number("sparsity", ".1%")),
    ]
