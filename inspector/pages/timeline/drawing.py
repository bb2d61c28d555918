"""What is drawn of series: strips of seismographs and curves, from tables and the page's view."""

from collections.abc import Sequence

from inspector.models.series_table import (
    SeriesTable,
    bound_of,
    curve_of,
    ends,
    most,
    noise,
    rows_of,
)
from inspector.models.series_words import state_of
from inspector.models.timeline_view import TimelineView
from inspector.views.line_plot import Line
from inspector.views.seismograph import Strip

_TONES = ("accent", "high", "low", "look", "ok")
"""None of them says that something is bad: a series is not, because it came first."""


def strip_of(table: SeriesTable, tables: Sequence[SeriesTable]) -> Strip:
    """Return the strip of a series, on the axis and with the colours that all of them share."""
    first, last = ends(tables)
    states = tuple(state_of(table, row) for row in range(len(table.layers)))
    return Strip(
        layers=table.layers,
        states=states,
        moving=tuple(state == "still moving" for state in states),
        rates=table.rates,
        steps=table.steps,
        first=first,
        last=last,
        most=most(tables),
    )


def curves_of(named: Sequence[tuple[str, SeriesTable]]) -> tuple[str, ...]:
    """Return the names of what runs wrote beside: loss, metric, learning rate."""
    return tuple(dict.fromkeys(name for _, table in named for name, _, _ in table.curves))


def second_of(named: Sequence[tuple[str, SeriesTable]], view: TimelineView) -> list[Line]:
    """Return the curves of the second plot, in the colours of their series."""
    lines = []
    for place, (name, table) in enumerate(named):
        tone = _TONES[place % len(_TONES)]
        lines.extend(_line(name, table, view.second, view.layers, tone))
    return lines


def lines_of(named: Sequence[tuple[str, SeriesTable]], view: TimelineView) -> list[Line]:
    """Return the curves of the chosen measure: a series each, or the layers of the only one."""
    lines = []
    if len(named) == 1 and len(view.layers) > 1:
        name, table = named[0]
        for place, layer in enumerate(view.layers):
            tone = _TONES[place % len(_TONES)]
            lines.extend(_line(layer, table, view.measure, (layer,), tone))
    else:
        for place, (name, table) in enumerate(named):
            tone = _TONES[place % len(_TONES)]
            lines.extend(_line(name, table, view.measure, view.layers, tone))
    if view.measure == "flip rate" and named:
        table = named[0][1]
        rows = rows_of(table, view.layers)
        random = noise(table, rows)
        lines.append(Line("random masks", table.steps, random, "dim", guide=True))
        bound = bound_of(table, rows)
        if bound is not None:
            lines.append(Line("bound of N:M", table.steps, bound, "look", guide=True))
    return lines


def _line(
    name: str, table: SeriesTable, measure: str, layers: Sequence[str], tone: str
) -> list[Line]:
    curve = curve_of(table, measure, layers)
    return [] if curve is None else [Line(name, *curve, tone=tone)]
