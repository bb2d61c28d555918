"""Runs side by side: the options that differ, figures, and seeds grouped."""

from typing import Any

import numpy as np

from inspector.models import words
from inspector.models.figure_table import FigureColumn
from sparse_core.messages.runs import RunsTable

_UNKNOWN = "–"


def run_columns(table: RunsTable) -> tuple[FigureColumn, ...]:
    """Return a row a run."""
    width = len(table.keys)
    options = []
    for place, key in enumerate(table.keys):
        texts = table.cells[place::width]
        options.append(FigureColumn(key, f"The option {key}", texts, _keys(texts)))
    metric = table.metric or "metric"
    return (
        FigureColumn("run", "The folder", [words.shown(one) for one in table.names], table.names),
        *options,
        FigureColumn("state", "How it went", table.states, table.states),
        _figures(f"best {metric}", "Best of all evaluations", table.best),
        _figures(f"last {metric}", "Of the last evaluation", table.last),
        _figures("flips", "Flip rate of the last interval", table.flips),
        _figures("frozen", "Share of the layers whose masks did not change in it", table.frozen),
        _figures("seconds", "Of training", table.seconds),
    )


def group_columns(table: RunsTable) -> tuple[FigureColumn, ...]:
    """Return a row a group of runs that differ in their seed only: mean and deviation."""
    metric = table.metric or "metric"
    counts = np.frombuffer(table.group_counts, "<i8").tolist()
    titles = [one or "all" for one in table.group_titles]
    return (
        FigureColumn("group", "What the runs have in common", titles, titles),
        FigureColumn("seeds", "Runs", [str(one) for one in counts], counts),
        _spread(f"best {metric}", table.group_best, table.group_best_sd),
        _spread(f"last {metric}", table.group_last, table.group_last_sd),
        _spread("flips", table.group_flips, table.group_flips_sd),
        _spread("frozen", table.group_frozen, table.group_frozen_sd),
    )


def _figures(title: str, meaning: str, column: bytes) -> FigureColumn:
    values = np.frombuffer(column, "<f8").tolist()
    texts = [_UNKNOWN if one != one else f"{one:.4g}" for one in values]
    return FigureColumn(title, meaning, texts, values)


def _spread(title: str, mean: bytes, deviation: bytes) -> FigureColumn:
    values, spread = (np.frombuffer(one, "<f8").tolist() for one in (mean, deviation))
    texts = [
        _UNKNOWN if one != one else f"{one:.4g}" if sd != sd else f"{one:.4g} ± {sd:.2g}"
        for one, sd in zip(values, spread, strict=True)
    ]
    return FigureColumn(title, "Mean and deviation over the seeds", texts, values)


def _keys(texts: Any) -> list[float] | list[str]:
    """Sort by number where all are numbers."""
    try:
        return [float(text) for text in texts]
    except ValueError:
        return [str(text) for text in texts]
