"""What is said of series of checkpoints: the verdict on top, the figures of a step."""

from collections.abc import Sequence

import msgspec
import numpy as np

from inspector.models import words
from inspector.models.interval import Interval
from inspector.models.series_table import Counts, Rows, SeriesTable, measure, noise, total
from sparse_core.messages import Phrase, Verdict

_NAMED = 20
_STEPS = 8
_LAST = 3
"""So many checkpoints are looked at where something still moves: what is averaged in the end."""


def verdict_of(named: Sequence[tuple[str, SeriesTable]]) -> Verdict:
    """Say which masks had stopped moving.

    Parameters
    ----------
    named : sequence of (str, SeriesTable)
        The series on the screen under their names; at least one.
    """
    ends = [_ending(name if len(named) > 1 else "", table) for name, table in named]
    headline = "; ".join(sentence for sentence, _ in ends)
    headline = headline[:1].upper() + headline[1:]
    detail = [phrase for name, table in named for phrase in _evidence(name, table, len(named) > 1)]
    moods = {mood for _, mood in ends}
    mood = "look" if "look" in moods else "ok" if "ok" in moods else "none"
    text = f"{headline}. {''.join(phrase.text for phrase in detail)}".strip()
    return Verdict(
        text=text,
        headline=f"{headline}.",
        detail=tuple(detail),
        conditions=_conditions(named),
        mood="look" if mood == "look" else "ok" if mood == "ok" else "none",
        prunable=0,
        sparse=0,
        broken=0,
        unstructured=0,
        dense=0,
    )


def _ending(name: str, table: SeriesTable) -> tuple[str, str]:
    whose = f"the masks of {name}" if name else "the masks"
    if len(table.steps) == 1:
        return f"{whose} are known at one checkpoint only: nothing to compare", "none"
    if not (table.sad >= 0).any():
        return f"{whose} cannot be compared: no layer is in two checkpoints", "none"
    if table.moves().size:
        return f"{whose} had not stopped moving", "look"
    frozen = int(table.froze_at.max())
    return f"{whose} froze at step {frozen:,}", "ok"


def _evidence(name: str, table: SeriesTable, several: bool) -> list[Phrase]:
    moving = table.moves()
    if not moving.size:
        return []
    worst = int(moving[0])
    share = float(np.nansum(table.rates[worst, -_LAST:]))
    intervals = min(_LAST, len(table.steps) - 1)
    when = "at the last step" if intervals == 1 else f"over the last {intervals} steps"
    whose = f" of {name}" if several else ""
    count = words.count(int(moving.size), "layer")
    return [
        Phrase(words.shown(table.layers[worst]), table.layers[worst]),
        Phrase(
            f"{whose} still changed {words.percent(share)} of its mask {when}; "
            f"{count} of {len(table.layers)} moved. "
        ),
    ]


def _conditions(named: Sequence[tuple[str, SeriesTable]]) -> str:
    table = named[0][1]
    rules = sorted({rule for _, one in named for rule in one.rules if rule})
    patterns = sorted({pattern for _, one in named for pattern in one.patterns if pattern})
    parts = []
    if rules:
        parts.append(f"Rule: {', '.join(rules)}{' ' + ', '.join(patterns) if patterns else ''}")
    parts.append(words.count(len(table.steps), "checkpoint"))
    if len(table.steps) > 1:
        parts.append(f"steps {int(table.steps[0]):,} to {int(table.steps[-1]):,}")
    if table.reference:
        parts.append(f"reference {words.shown(table.reference)}")
    parts.extend(note.rstrip(".") for _, one in named for note in one.notes)
    return " · ".join(dict.fromkeys(parts))


def between(table: SeriesTable, interval: Interval) -> str:
    """Name the two checkpoints whose masks are compared."""
    low, high = (int(table.steps[at]) for at in interval.ordered)
    return f"At {low:,}" if low == high else f"Between {low:,} and {high:,}"


class Changed(msgspec.Struct, frozen=True, eq=False):
    """Newly kept and newly pruned weights by layer, int64 ``(layers,)``; -1 where there is none."""

    births: Counts
    deaths: Counts


def changed_at(table: SeriesTable, at: int) -> Changed:
    """Return what changed from the point before: deaths less births is what fewer are kept."""
    moved = table.sad[:, at]
    grown = table.kept[:, at] - table.kept[:, max(at - 1, 0)]
    halves = [np.where(moved >= 0, (moved + sign * grown) // 2, -1) for sign in (1, -1)]
    return Changed(*halves)


def figures_of(
    table: SeriesTable, rows: Rows, interval: Interval, changed: Changed | None
) -> list[tuple[str, str, str]]:
    """Return name, figure and meaning of what changed in some layers between two points.

    Parameters
    ----------
    rows : layers that count
    changed : Changed or None
        None while it is counted.
    """
    names = [table.layers[row] for row in rows.tolist()]
    whose = words.shown(names[0]) if len(names) == 1 else words.count(len(names), "layer")
    shown = [("of", whose, ", ".join(names[:_NAMED]))]
    at = interval.after
    if changed is None:
        shown.append(("SAD", "counting …", "Weights that changed sides between the two"))
    else:
        shown.extend(_changes(table, rows, changed))
    near = table.around(at)
    if interval.neighbours:
        back = measure(near, "flipped back", rows)[-1]
        if not np.isnan(back):
            meaning = "Share of the flips of the step before that this step undid"
            shown.append(("flipped back", words.percent(float(back)), meaning))
        random = noise(near, rows)[-1]
        if not np.isnan(random):
            meaning = "Flip rate of two random masks: 2p(1-p)"
            shown.append(("random masks", f"{random:.3g}", meaning))
    density = total(near, near.kept, None, rows)[-1]
    if not np.isnan(density):
        shown.append(("density", f"{density:.3f}", "Share of kept weights at the later one"))
    shown.extend(_way(table, rows, interval, changed))
    return shown


def _changes(table: SeriesTable, rows: Rows, changed: Changed) -> list[tuple[str, str, str]]:
    """Return the counts of flips, and their share of all weights."""
    there = changed.births[rows] >= 0
    if not there.any():
        return []
    births = int(changed.births[rows][there].sum())
    deaths = int(changed.deaths[rows][there].sum())
    entries = int(table.entries[rows][there].sum())
    rate = (births + deaths) / max(entries, 1)
    shown = [
        ("SAD", f"{births + deaths:,}", "Weights that changed sides between the two"),
        ("flip rate", f"{rate:.3g}", "SAD over all weights"),
    ]
    if births == deaths:
        return [*shown, ("births = deaths", f"{births:,}", "Newly kept, and newly pruned")]
    return [
        *shown,
        ("births", f"{births:,}", "Newly kept weights"),
        ("deaths", f"{deaths:,}", "Newly pruned weights"),
    ]


def _way(
    table: SeriesTable, rows: Rows, interval: Interval, changed: Changed | None
) -> list[tuple[str, str, str]]:
    """Return what holds for the way between two points; for the whole series at neighbours."""
    shown = []
    first, last = interval.ordered
    if interval.neighbours:
        moved = table.sad[rows]
        net = sum(int(row[row >= 0][-1]) if (row >= 0).any() else 0 for row in table.drift[rows])
    else:
        moved = table.sad[rows, first + 1 : last + 1]
        net = -1 if changed is None else _known(changed.births[rows] + changed.deaths[rows])
        shown.append(
            ("flips on the way", f"{_known(moved):,}", "SAD of every step between the two")
        )
    gross = _known(moved)
    if gross and net >= 0:
        meaning = "Flips from first to last over all flips on the way: 1 is drift, 0 oscillation"
        shown.append(("net over gross", f"{net / gross:.2f}", meaning))
    bounds = table.bound[rows]
    if rows.size and not np.isnan(bounds).all():
        meaning = "Highest flip rate that N:M allows: 2 min(N, M-N) / M"
        shown.append(("bound of N:M", f"{float(np.nanmax(bounds)):.2g}", meaning))
    return shown


def _known(counts: Counts) -> int:
    """Add up what is known."""
    return int(np.where(counts >= 0, counts, 0).sum())


def flips_in_words(steps: Sequence[int]) -> str:
    """Say when a weight flipped."""
    if not steps:
        return "never flipped"
    times = "once" if len(steps) == 1 else f"{len(steps):,} times"
    named = ", ".join(f"{step:,}" for step in steps[-_STEPS:])
    return f"flipped {times}, at {'…, ' if len(steps) > _STEPS else ''}{named}"


def state_of(table: SeriesTable, row: int) -> str:
    """Say whether a layer moves."""
    if not (table.sad[row] >= 0).any():
        return "not compared"
    froze = int(table.froze_at[row])
    return f"frozen since {froze:,}" if froze >= 0 else "still moving"
