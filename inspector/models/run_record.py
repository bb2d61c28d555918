"""Everything that a run said of itself so far, in columns that grow."""

import msgspec
import numpy as np
import numpy.typing as npt

from inspector.models.growing import Growing
from sparse_core.messages import Reply
from sparse_core.messages.runs import (
    MarkKind,
    RunGroups,
    RunHead,
    RunLayers,
    RunMarks,
    RunSeries,
    RunState,
)

Steps = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

MEMORY = "memory"
"""The curve made of what each state says."""


class Mark(msgspec.Struct, frozen=True):
    """Something that happened once."""

    kind: MarkKind
    step: int
    name: str
    value: float
    text: str


class LayerHistory:
    """Masks of all layers, a row a mask.

    Attributes
    ----------
    names : tuple of str
    entries, frozen_since : int64 ``(layers,)``
    virtual : bool
    """

    def __init__(self, part: RunLayers) -> None:
        self.names = part.names
        self.virtual = part.virtual
        self.entries = np.frombuffer(part.entries, "<i8")
        self.frozen_since = np.frombuffer(part.frozen_since, "<i8")
        self._steps = Growing("<i8")
        width = len(part.names)
        self._columns = {
            name: Growing("<f8" if name == "pull" else "<i8", width)
            for name in ("kept", "births", "deaths", "pull")
        }

    def add(self, part: RunLayers) -> None:
        """Take what came."""
        self.entries = np.frombuffer(part.entries, "<i8")
        self.frozen_since = np.frombuffer(part.frozen_since, "<i8")
        self._steps.add(np.frombuffer(part.steps, "<i8"))
        for name, column in self._columns.items():
            kind = "<f8" if name == "pull" else "<i8"
            column.add(np.frombuffer(getattr(part, name), kind).reshape(-1, len(self.names)))

    @property
    def steps(self) -> Steps:
        """Steps of the masks, ``(masks,)``."""
        return self._steps.rows

    @property
    def kept(self) -> Steps:
        """Weights not pruned, ``(masks, layers)``."""
        return self._columns["kept"].rows

    @property
    def sad(self) -> Steps:
        """Weights that differ from the mask before, ``(masks, layers)``."""
        flips: Steps = self._columns["births"].rows + self._columns["deaths"].rows
        return flips

    @property
    def pull(self) -> Values:
        """Share of the pull, ``(masks, layers)``, NaN unknown."""
        return self._columns["pull"].rows

    @property
    def rates(self) -> Values:
        """Flip rates, ``(masks, layers)``; NaN of the first mask, which is compared with none."""
        rates: Values = self.sad / np.maximum(self.entries, 1)
        if len(rates):
            rates[0] = np.nan
        return rates


class RunRecord:
    """What came of one run; a new head empties it.

    Attributes
    ----------
    head : RunHead or None
    state : RunState or None
    layers : LayerHistory or None
    marks : list of Mark
    version : int
        Rises with everything that is drawn.
    """

    def __init__(self) -> None:
        self.head: RunHead | None = None
        self.state: RunState | None = None
        self.version = 0
        self._forget()

    def _forget(self) -> None:
        self._curves: dict[str, tuple[Growing, Growing]] = {}
        self.layers: LayerHistory | None = None
        self._norms: dict[str, tuple[Growing, Growing]] = {}
        self.marks: list[Mark] = []

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the curves in the order in which they came."""
        return tuple(self._curves)

    def curve(self, name: str) -> tuple[Steps, Values] | None:
        """Return steps and values of a curve, None for one that has no point."""
        found = self._curves.get(name)
        return None if found is None else (found[0].rows, found[1].rows)

    def norms(self) -> dict[str, tuple[Steps, Values]]:
        """Return steps and median norms of the groups, by layer and granularity."""
        return {name: (steps.rows, values.rows) for name, (steps, values) in self._norms.items()}

    def take(self, body: Reply) -> None:
        """Take an answer of ``FollowRun``."""
        self.version += 1
        if isinstance(body, RunHead):
            self._forget()
            self.head = body
        elif isinstance(body, RunState):
            self.state = body
            if body.memory_bytes >= 0:
                self._add(MEMORY, np.array([body.step]), np.array([float(body.memory_bytes)]))
        elif isinstance(body, RunSeries):
            self._series(body)
        elif isinstance(body, RunLayers):
            if self.layers is None or self.layers.names != body.names:
                self.layers = LayerHistory(body)
            self.layers.add(body)
        elif isinstance(body, RunGroups):
            self._groups(body)
        elif isinstance(body, RunMarks):
            self._mark(body)

    def _series(self, body: RunSeries) -> None:
        steps = np.frombuffer(body.steps, "<i8")
        for name, column in zip(body.names, body.values, strict=True):
            values = np.frombuffer(column, "<f8")
            known = ~np.isnan(values)
            self._add(name, steps[known], values[known])

    def _groups(self, body: RunGroups) -> None:
        steps, medians = np.frombuffer(body.steps, "<i8"), np.frombuffer(body.median, "<f8")
        names = [f"{a} {b}" for a, b in zip(body.layers, body.granularities, strict=True)]
        for name in dict.fromkeys(names):
            rows = [place for place, one in enumerate(names) if one == name]
            _add(self._norms, name, steps[rows], medians[rows])

    def _add(self, name: str, steps: Steps, values: Values) -> None:
        if len(steps):
            _add(self._curves, name, steps, values)

    def _mark(self, body: RunMarks) -> None:
        steps = np.frombuffer(body.steps, "<i8").tolist()
        values = np.frombuffer(body.values, "<f8").tolist()
        for kind, step, name, value, text in zip(
            body.kinds, steps, body.names, values, body.texts, strict=True
        ):
            self.marks.append(Mark(kind, step, name, value, text))


def _add(
    curves: dict[str, tuple[Growing, Growing]], name: str, steps: Steps, values: Values
) -> None:
    place = curves.setdefault(name, (Growing("<i8"), Growing("<f8")))
    place[0].add(steps)
    place[1].add(values)
