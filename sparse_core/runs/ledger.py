"""What the events of a run come to: its last figures and how its masks settle."""

import math
from collections.abc import Iterable

from sparse_core.runs.events import (
    AnyEvent,
    Evaluated,
    Failed,
    Finished,
    Mask,
    Paused,
    Phase,
    Resumed,
    Saved,
    Set,
    Started,
    Step,
)


class Layer:
    """How the mask of one layer moved.

    Attributes
    ----------
    entries, kept : int
        Weights, and those kept at the last mask.
    sad : int or None
        Entries that differ from the mask before; None for the first.
    since : int
        The step of the mask from which on nothing changed.
    still : int
        How many masks in a row brought no change.
    pull : float or None
        Share of the last change of its pruned weights that lambda caused.
    """

    def __init__(self, entries: int, step: int) -> None:
        self.entries = entries
        self.kept = entries
        self.sad: int | None = None
        self.since = step
        self.still = 0
        self.pull: float | None = None

    @property
    def frozen_since(self) -> int:
        """Step from which on the mask did not change, -1 while it moves."""
        return self.since if self.still else -1

    @property
    def flip_rate(self) -> float | None:
        """Share of the weights that changed since the mask before."""
        return None if self.sad is None or not self.entries else self.sad / self.entries


class Ledger:
    """Adds up events in the order in which they were written.

    Attributes
    ----------
    step : int
        The last step that was told, -1 before any.
    started : Started or None
    finished : Finished or None
        None while it goes on, or after it was resumed.
    failed : Failed or None
    last_step : Step or None
    best, metric, loss : float or None
        Best and last metric, last loss, on the validation split.
    layers : dict
        ``Layer`` by name.
    flip_rate, sparsity, exponent : float or None
        Of all layers at the last mask.
    mask_step : int
        Step of the last mask, -1 without any.
    moved, still : int
        Masks with and without a change, since the last phase began; the still ones in a row.
    saved, best_saved : str
        Paths of the last and the best checkpoint, relative to the run.
    knobs : dict
        What was turned, by name.
    phase : str
    losses : bool
        Whether a loss was ever a number: only then is a missing one NaN.
    paused : bool
    """

    def __init__(self, events: Iterable[AnyEvent] = ()) -> None:
        self.step = -1
        self.started: Started | None = None
        self.finished: Finished | None = None
        self.failed: Failed | None = None
        self.last_step: Step | None = None
        self.best: float | None = None
        self.metric: float | None = None
        self.loss: float | None = None
        self.layers: dict[str, Layer] = {}
        self.flip_rate: float | None = None
        self.sparsity: float | None = None
        self.exponent: float | None = None
        self.mask_step = -1
        self.virtual = False
        self.moved = 0
        self.still = 0
        self.saved = ""
        self.best_saved = ""
        self.knobs: dict[str, float | bool] = {}
        self.phase = ""
        self.losses = False
        self.not_a_number = False
        self.paused = False
        self.elapsed_s = 0.0
        for event in events:
            self.add(event)

    @property
    def higher_is_better(self) -> bool:
        """Whether a higher metric is the better one."""
        return self.started is None or self.started.higher_is_better

    @property
    def frozen_share(self) -> float | None:
        """Share of the layers whose mask did not change at the last look; None without masks."""
        if not self.layers or self.flip_rate is None:
            return None
        return sum(layer.still > 0 for layer in self.layers.values()) / len(self.layers)

    def add(self, event: AnyEvent) -> None:
        """Take in the next event."""
        self.step = event.step
        self.elapsed_s = event.elapsed_s
        match event:
            case Step():
                self._step(event)
            case Mask():
                self._mask(event)
            case Evaluated():
                self._evaluated(event)
            case Saved():
                self.saved = event.path
                self.best_saved = event.path if event.best else self.best_saved
            case Started():
                self.started = event
            case Set():
                self.knobs[event.name] = event.value
            case _:
                self._turn(event)

    def _turn(self, event: AnyEvent) -> None:
        """Go into another state."""
        match event:
            case Finished():
                self.finished = event
            case Failed():
                self.failed = event
            case Paused():
                self.paused = True
            case Resumed():
                self.paused = False
                self.finished = self.failed = None
            case Phase():
                self.phase = event.name
                self.moved = self.still = 0
            case _:
                pass

    def _step(self, event: Step) -> None:
        self.last_step = event
        self.losses |= event.loss is not None
        self.not_a_number = self.losses and event.loss is None

    def _evaluated(self, event: Evaluated) -> None:
        if event.split != "valid":
            return
        self.loss, self.metric = event.loss, event.metric
        if event.metric is None or not math.isfinite(event.metric):
            return
        ahead = self.best is None or (
            event.metric > self.best if self.higher_is_better else event.metric < self.best
        )
        self.best = event.metric if ahead else self.best

    def _mask(self, event: Mask) -> None:
        self.flip_rate = event.flip_rate
        self.sparsity = event.sparsity
        self.exponent = event.exponent
        self.virtual = event.virtual
        self.mask_step = event.step
        changes = zip(event.layers, event.entries, event.kept, event.sad, strict=True)
        for name, entries, kept, sad in changes:
            layer = self.layers.get(name)
            if layer is None or layer.entries != entries:
                layer = self.layers[name] = Layer(entries, event.step)
            layer.kept = kept
            if event.since is None:
                continue
            layer.sad = sad
            layer.since = event.step if sad else layer.since
            layer.still = 0 if sad else layer.still + 1
        for name, pull in zip(event.layers, event.pull, strict=False):
            self.layers[name].pull = pull
        if event.since is not None:
            moves = any(event.sad)
            self.moved += moves
            self.still = 0 if moves else self.still + 1
