"""What happens in a run: the one table of events.

Each line of ``events.jsonl`` is one of these as a JSON object; its kind stands in ``"event"``.
Units stand in the names: ``_s`` seconds, ``_bytes``; rates and shares lie in [0, 1]. A number
that is undefined (a loss that is NaN) is null. docs/runs.md is this table in prose, and a test
holds the two together.
"""

from typing import Any, Literal

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """What every line carries.

    Attributes
    ----------
    step : int
        Optimizer steps done when it happened.
    time : float
        Wall clock, seconds since 1970.
    elapsed_s : float
        Seconds of training so far; the time between a death and its resume does not count.
    """

    step: int
    time: float
    elapsed_s: float


class LayerChoice(msgspec.Struct, frozen=True):
    """What the layer policy decided for one weight, and why."""

    name: str
    kind: str
    shape: tuple[int, ...]
    sparse: bool
    reason: str = ""
    pattern: str | None = None


class Started(Event, frozen=True, kw_only=True, tag="started"):
    """The first event. ``steps`` is the planned total; ``exponent`` of methods with a lambda."""

    task: str
    method: str
    pattern: str | None
    axis: str
    metric: str
    higher_is_better: bool
    steps: int
    steps_an_epoch: int
    parameters: int
    layers: tuple[LayerChoice, ...]
    exponent: float | None = None


class Step(Event, frozen=True, kw_only=True, tag="step"):
    """One optimizer step: mean loss of its batch, learning rate, speed over the last steps."""

    epoch: float
    loss: float | None
    lr: float
    samples_per_s: float | None = None
    left_s: float | None = None
    values: dict[str, float] = {}


class GroupNorms(msgspec.Struct, frozen=True):
    """Norms of the groups of one layer and granularity: how many there are, how many are zero."""

    layer: str
    granularity: str
    groups: int
    zero: int
    minimum: float
    median: float
    maximum: float


class Mask(Event, frozen=True, kw_only=True, tag="mask"):
    """The masks of ``masks/step-...`` against those of step ``since`` (None: there were none).

    Columns, one entry a layer: ``entries`` weights, ``kept`` ones, ``sad`` entries that differ,
    ``births`` (newly kept) and ``deaths`` (newly pruned), which add up to ``sad``. ``pull`` is the
    share of the last change of the pruned weights that lambda caused. ``virtual`` masks are only
    looked at, not applied. ``sparsity`` and
    ``flip_rate`` (sad / entries) are those of all these layers together. ``exponent`` is what
    lambda alone has done so far: pruned weights shrink by exp(-exponent).
    """

    since: int | None
    layers: tuple[str, ...]
    entries: tuple[int, ...]
    kept: tuple[int, ...]
    sad: tuple[int, ...]
    births: tuple[int, ...]
    deaths: tuple[int, ...]
    sparsity: float
    flip_rate: float | None
    virtual: bool = False
    pull: tuple[float | None, ...] = ()
    exponent: float | None = None
    groups: tuple[GroupNorms, ...] = ()


class Evaluated(Event, frozen=True, kw_only=True, tag="evaluated"):
    """Loss and metric over a whole split, with the standard deviation over its examples."""

    split: Literal["train", "valid"]
    examples: int
    loss: float | None
    loss_sd: float | None
    metric: float | None
    metric_sd: float | None
    best: bool = False


class Saved(Event, frozen=True, kw_only=True, tag="saved"):
    """A checkpoint is whole on the disk. ``path`` is relative to the run."""

    path: str
    bytes: int
    best: bool = False
    removed: tuple[str, ...] = ()


class Set(Event, frozen=True, kw_only=True, tag="set"):
    """A knob was turned; replayed when the run is resumed from before it."""

    name: str
    value: float | bool
    number: int = 0


class Refused(Event, frozen=True, kw_only=True, tag="refused"):
    """A knob could not be turned; the run goes on."""

    name: str
    sentence: str


class Phase(Event, frozen=True, kw_only=True, tag="phase"):
    """A method went over to its next part: ``prune``, ``fine-tune``, ``freeze``."""

    name: str
    note: str = ""


class Paused(Event, frozen=True, kw_only=True, tag="paused"):
    """Waiting, on somebody's wish."""


class Pending(msgspec.Struct, frozen=True):
    """A knob that was turned behind the checkpoint that a resume goes back to.

    ``told`` if its ``set`` event still stands, at the step of the checkpoint itself.
    """

    step: int
    name: str
    value: float | bool
    told: bool = False


class Resumed(Event, frozen=True, kw_only=True, tag="resumed"):
    """Goes on: after a pause, or (``restart``) in a new process from the checkpoint of ``step``."""

    restart: bool = False
    note: str = ""
    pending: tuple[Pending, ...] = ()


class Finished(Event, frozen=True, kw_only=True, tag="finished"):
    """The end, because all steps are done (``complete``) or somebody wished it (``stopped``)."""

    reason: Literal["complete", "stopped"]
    figures: dict[str, Any] = {}


class Failed(Event, frozen=True, kw_only=True, tag="failed"):
    """The end, because of an error: a sentence for the user."""

    sentence: str
    kind: str = ""


AnyEvent = (
    Started
    | Step
    | Mask
    | Evaluated
    | Saved
    | Set
    | Refused
    | Phase
    | Paused
    | Resumed
    | Finished
    | Failed
)
KINDS: tuple[type[Event], ...] = (
    Started,
    Step,
    Mask,
    Evaluated,
    Saved,
    Set,
    Refused,
    Phase,
    Paused,
    Resumed,
    Finished,
    Failed,
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def to_line(event: Event) -> bytes:
    """Write an event as one line, newline included."""
    return _encoder.encode(event) + b"\n"


def from_line(line: bytes) -> AnyEvent | None:
    """Read a line; None for what is no event of this version."""
    try:
        return _decoder.decode(line)
    except msgspec.DecodeError:
        return None
