"""What is drawn of a speed test: cards, points, bars, from its rows."""

from collections.abc import Mapping, Sequence
from math import nan

from inspector.models.layer_table import LayerTable
from inspector.models.speed_cards import TONES, shape_of
from inspector.models.speed_result import (
    SpeedResult,
    dense_of,
    estimate,
    finding,
    promise,
)
from inspector.models.speed_words import PLAN, lights, milliseconds, reason
from inspector.models.words import shown
from inspector.views.bars import Bar
from inspector.views.promise_chart import Promise
from inspector.views.speed_cards import Card, CardLine
from sparse_core.messages.speed import SpeedRow


def cards_of(
    result: SpeedResult, batch: int, file_lights: Mapping[str, Sequence[int]]
) -> list[Card]:
    """Return a card for each shape at a batch size.

    Parameters
    ----------
    file_lights : mapping of str to sequence of int
        What the scan said of each layer.
    """
    rows = result.at(batch)
    dense = dense_of(rows)
    cards = []
    for layer in dict.fromkeys(row.layer for row in rows):
        own = [row for row in rows if row.layer == layer]
        first = own[0]
        lines = [_line(row, dense.get((layer, row.batch))) for row in own]
        lines += [
            CardLine(one.backend, "", nan, nan, nan, "dim", None, one.reason)
            for one in result.refused
            if one.layer == layer and one.backend != PLAN
        ]
        detail = f"{shape_of(first)} · {first.pattern or 'no pattern'} · {first.dtype}"
        if first.layers > 1:
            detail += f" · {first.layers} layers alike"
        cards.append(
            Card(
                layer=layer,
                title=shown(layer),
                detail=detail,
                lights=lights(first, file_lights.get(layer, ()), own),
                lines=tuple(lines),
            )
        )
    return cards


def _line(row: SpeedRow, dense: SpeedRow | None) -> CardLine:
    found = finding(row)
    alone = row.backend == "dense"
    spread = f"{milliseconds(row.median_ms)} ms  ±{_half(row)} %"
    return CardLine(
        backend=row.backend,
        times=spread,
        ratio=nan if alone else row.ratio,
        low=row.ratio_low,
        high=row.ratio_high,
        tone="line" if alone else TONES[found],
        correct=found != "wrong",
        reason=reason(row, dense),
    )


def _half(row: SpeedRow) -> str:
    """Half of the way from the tenth to the ninetieth percentile, in percent of the median."""
    return f"{50 * (row.p90_ms - row.p10_ms) / max(row.median_ms, 1e-12):.0f}"


def points_of(result: SpeedResult, batch: int) -> tuple[list[Promise], list[tuple[str, str]]]:
    """Return the points of the chart, and layer and backend of each."""
    rows = result.at(batch)
    dense = dense_of(rows)
    found, keys = [], []
    for row in rows:
        promised = promise(row, dense.get((row.layer, row.batch)))
        if row.backend == "dense" or promised != promised or finding(row) == "wrong":
            continue
        label = f"{row.pattern or shape_of(row)} {row.backend}"
        found.append(
            Promise(label, promised, row.ratio, row.ratio_low, row.ratio_high, TONES[finding(row)])
        )
        keys.append((row.layer, row.backend))
    return found, keys


def bars_of(result: SpeedResult, batch: int) -> list[Bar]:
    """Return the whole network's times: summed up over layers, and as measured."""
    rows = result.at(batch)
    summed = estimate(rows)
    if summed is None:
        return []
    bars = [
        Bar("sum of layers, dense", summed.dense_ms, _ms(summed.dense_ms), "dim"),
        Bar("sum of layers, fastest correct of each", summed.planned_ms, _ms(summed.planned_ms),
            "ok" if summed.ratio > 1 else "dim"),
    ]  # fmt: skip
    network = result.network(rows[0].batch)
    if network is not None:
        tone = "ok" if network.ratio_low > 1 else "bad" if network.ratio_high < 1 else "dim"
        bars += [
            Bar("whole model as measured, dense", network.dense_median_ms,
                _ms(network.dense_median_ms), "dim"),
            Bar("whole model as measured, planned", network.median_ms, _ms(network.median_ms),
                tone),
        ]  # fmt: skip
    return bars


def _ms(value: float) -> str:
    return f"{milliseconds(value)} ms"


def lights_of(table: LayerTable) -> dict[str, Sequence[int]]:
    """Return what a scan said of each layer: zeros, pattern, packed, eligible."""
    return {name: table.lights[row].tolist() for row, name in enumerate(table.names)}
