"""What is said of series of checkpoints: the verdict on top, the figures of a step."""

from collections.abc import Sequence

import numpy as np

from inspector.models import words
from inspector.models.series_table import Rows, SeriesTable, flip_rate, measure, noise, total
from sparse_core.messages import Phrase, Verdict

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
    detail = [phrase for name, table in named for phrase in _evidence(name, table, len(named) > 1)]
    moods = {mood for _, mood in ends}
    mood = "look" if "look" in moods else "ok" if "ok" in moods else "none"
    text = " ".join([headline + ".", *(phrase.text for phrase in detail)])
    return Verdict(
        text=text,
        headline=headline[:1].upper() + headline[1:] + ".",
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


def between(table: SeriesTable, at: int, pinned: int) -> str:
    """Name the two checkpoints whose masks are compared."""
    if at <= 0 and pinned < 0:
        return f"At {int(table.steps[0]):,}" if len(table.steps) else ""
    first = pinned if pinned >= 0 else at - 1
    low, high = sorted((int(table.steps[first]), int(table.steps[at])))
    return f"Between {low:,} and {high:,}"


def figures_of(table: SeriesTable, rows: Rows, at: int) -> list[tuple[str, str, str]]:
    """Return name, figure and meaning of what one step changed in some layers."""
    shown: list[tuple[str, str, str]] = []
    moved = table.sad[rows, at]
    there = moved >= 0
    density = total(table, table.kept, None, rows)[at]
    if there.any():
        sad = int(moved[there].sum())
        grown = int((table.kept[rows, at] - table.kept[rows, at - 1])[there].sum())
        births, deaths = (sad + grown) // 2, (sad - grown) // 2
        shown.append(("SAD", f"{sad:,}", "Weights that changed sides since the checkpoint before"))
        rate = flip_rate(table, rows)[at]
        shown.append(("flip rate", f"{rate:.3g}", "SAD over all weights"))
        if births == deaths:
            shown.append(("births = deaths", f"{births:,}", "Newly kept, and newly pruned"))
        else:
            shown.append(("births", f"{births:,}", "Newly kept weights"))
            shown.append(("deaths", f"{deaths:,}", "Newly pruned weights"))
        back = measure(table, "flipped back", rows)[at]
        if not np.isnan(back):
            meaning = "Share of the flips of the step before that this step undid"
            shown.append(("flipped back", words.percent(float(back)), meaning))
        random = noise(table, rows)[at]
        shown.append(("random masks", f"{random:.3g}", "Flip rate of two random masks: 2p(1-p)"))
    if not np.isnan(density):
        shown.append(("density", f"{density:.3f}", "Share of kept weights"))
    shown.extend(_whole(table, rows))
    return shown


def _whole(table: SeriesTable, rows: Rows) -> list[tuple[str, str, str]]:
    """Return what holds for the series, not for a step."""
    shown = []
    gross = int(np.where(table.sad[rows] >= 0, table.sad[rows], 0).sum())
    net = sum(int(row[row >= 0][-1]) if (row >= 0).any() else 0 for row in table.drift[rows])
    if gross:
        meaning = "Flips from first to last over all flips on the way: 1 is drift, 0 oscillation"
        shown.append(("net over gross", f"{net / gross:.2f}", meaning))
    bounds = table.bound[rows]
    if rows.size and not np.isnan(bounds).all():
        meaning = "Highest flip rate that N:M allows: 2 min(N, M-N) / M"
        shown.append(("bound", f"{float(np.nanmax(bounds)):.2g}", meaning))
    return shown


def state_of(table: SeriesTable, row: int) -> str:
    """Say whether a layer moves."""
    if not (table.sad[row] >= 0).any():
        return "not compared"
    froze = int(table.froze_at[row])
    return f"frozen since {froze:,}" if froze >= 0 else "still moving"
