"""A timeline as objects of JSON: the keys that scripts rely on, in the order that was promised."""

from collections.abc import Iterable, Iterator

import msgspec

from sparse_core.analysis.nnstd import NetworkDistance
from sparse_core.analysis.timeline.history import Oscillator
from sparse_core.analysis.timeline.result import Timeline

Line = dict[str, object]


def step_lines(line: Timeline, first: int = 1, *, reference: bool = False) -> Iterator[Line]:
    """Give what changed, from the point number ``first`` on.

    A step's layers, its total, and with ``reference`` the same against the reference.
    """
    if first >= len(line.points):
        return
    begin = line.points[first].step
    places = {point.step: at for at, point in enumerate(line.points)}
    if reference and first <= 1:
        yield from _reference_lines(line, 0)
    for change in line.changes():
        if change.step >= begin:
            yield msgspec.to_builtins(change)
            if reference and change.layer is None:
                yield from _reference_lines(line, places[change.step])


def summary_line(line: Timeline) -> Line:
    """Say when each layer froze, and how much of its flipping led anywhere."""
    layers = [
        {
            "layer": name,
            "froze_at": line.froze_at(row),
            "net_over_gross": line.net_over_gross(row),
        }
        for name, row in {layer.name: row for row, layer in enumerate(line.layers)}.items()
    ]
    return {"type": "summary", "layers": layers}


def oscillator_lines(layer: str, worst: Iterable[Oscillator]) -> Iterator[Line]:
    """Name the weights of a layer that flip most."""
    for one in worst:
        yield {"type": "oscillator", "layer": layer, **msgspec.structs.asdict(one)}


def distance_lines(one: str, other: str, found: NetworkDistance) -> Iterator[Line]:
    """Give the NNSTD of each layer, then of the network."""
    ends: Line = {"type": "nnstd", "from": one, "to": other}
    for layer in found.layers:
        yield {**ends, "layer": layer.layer, "distance": layer.distance}
    yield {**ends, "layer": None, "distance": found.distance}


def _reference_lines(line: Timeline, at: int) -> Iterator[Line]:
    """Give the flips between one point and the reference."""
    step = line.points[at].step
    total = [0, 0]
    for layer, sad in zip(line.layers, line.reference_sad[:, at].tolist(), strict=True):
        if sad >= 0:
            total = [total[0] + layer.entries, total[1] + sad]
            yield _reference_line(line.reference, step, layer.name, layer.entries, sad)
    yield _reference_line(line.reference, step, None, *total)


def _reference_line(name: str, step: int, layer: str | None, entries: int, sad: int) -> Line:
    rate = sad / entries if entries else 0.0
    ends: Line = {"type": "reference", "from": name, "to": step, "step": step, "layer": layer}
    return {**ends, "entries": entries, "sad": sad, "flip_rate": rate}
