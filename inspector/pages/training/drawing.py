"""What is drawn of runs: the curves of each measure, and flags for what happened."""

from collections.abc import Sequence

from inspector.models.run_record import MEMORY, RunRecord
from inspector.models.run_words import flags_of
from inspector.views.line_plot import Flag, Line

_TONES = ("accent", "ok", "look", "bad", "low", "high")
_MOST_LAYERS = 6
_PAIRS = {
    "loss": ("loss", "train loss", "valid loss"),
    "metric": ("train metric", "valid metric"),
}
_CURVES = {
    "sparsity": "sparsity",
    "learning rate": "lr",
    "samples per second": "samples_per_s",
    "time left, s": "left_s",
    "exponent": "exponent",
    "memory, MB": MEMORY,
}
_LAYERS = ("flip rate", "pull")
_GROUPS = "group norms"
MEASURES = (*_PAIRS, *_LAYERS, _GROUPS, *_CURVES)
"""What a plot can show, beside what a run wrote by itself."""
_SCALE = {"memory, MB": 1e-6}
_KNOWN = {name for names in _PAIRS.values() for name in names} | {*_CURVES.values(), *_LAYERS}
_BESIDE = (" sd", "epoch")


def own_of(records: Sequence[RunRecord]) -> tuple[str, ...]:
    """Return the names of what runs wrote by themselves (``Recorder``)."""
    names = dict.fromkeys(name for record in records for name in record.names)
    return tuple(name for name in names if name not in _KNOWN and not name.endswith(_BESIDE))


def lines_of(runs: Sequence[tuple[str, RunRecord]], measure: str) -> list[Line]:
    """Return the curves of a measure.

    Of a single run: its parts (train and validation, layers); of several a colour each, and the
    one curve that can be compared.
    """
    if len(runs) == 1:
        return _parts(runs[0][1], measure)
    lines = []
    for place, (name, record) in enumerate(runs):
        whole = _whole(record, measure)
        if whole is not None:
            x, y = whole.x, whole.y
            lines.append(Line(name, x, y, _TONES[place % len(_TONES)]))
    return lines


def flags(record: RunRecord) -> list[Flag]:
    """Return the flags of a run."""
    return [Flag(*one) for one in flags_of(record.marks)]


def _parts(record: RunRecord, measure: str) -> list[Line]:
    if measure in _PAIRS:
        named = [(name, _curve(record, name)) for name in _PAIRS[measure]]
        lines = [(name, line) for name, line in named if line is not None]
        return [
            Line(_said(record, name), line.x, line.y, _TONES[place])
            for place, (name, line) in enumerate(lines)
        ]
    if measure in _LAYERS:
        return _by_layer(record, measure)
    if measure == _GROUPS:
        return _norms(record)
    line = _curve(record, _CURVES.get(measure, measure), measure)
    return [] if line is None else [line]


def _said(record: RunRecord, name: str) -> str:
    """Name a metric as what it is: ``valid accuracy``."""
    metric = record.head.metric if record.head is not None else ""
    return name.replace("metric", metric) if metric else name


def _whole(record: RunRecord, measure: str) -> Line | None:
    """Return the one curve of a measure that stands for the run."""
    name = {"loss": "loss", "metric": "valid metric"}.get(measure, _CURVES.get(measure, measure))
    if measure == _GROUPS:
        norms = _norms(record)
        return norms[0] if norms else None
    return _curve(record, name, measure)


def _curve(record: RunRecord, name: str, title: str = "") -> Line | None:
    found = record.curve(name)
    if found is None:
        return None
    steps, values = found
    return Line(title or name, steps, values * _SCALE.get(title, 1))


def _by_layer(record: RunRecord, measure: str) -> list[Line]:
    layers = record.layers
    if layers is None or not len(layers.steps):
        return []
    values = layers.rates if measure == "flip rate" else layers.pull
    lines = [
        Line(name, layers.steps, values[:, place], _TONES[place % len(_TONES)])
        for place, name in enumerate(layers.names[:_MOST_LAYERS])
    ]
    whole = _curve(record, measure, "all layers")
    if whole is not None and len(layers.names) > 1:
        lines.append(Line(whole.name, whole.x, whole.y, "text", guide=True))
    return lines


def _norms(record: RunRecord) -> list[Line]:
    """Return the median norm of each kind of group, by layer."""
    found = record.norms()
    return [
        Line(name, steps, values, _TONES[place % len(_TONES)])
        for place, (name, (steps, values)) in enumerate(list(found.items())[:_MOST_LAYERS])
    ]
