"""What a run says of itself: followed while it lives, or read when it is over.

One code for both: ``FollowRun`` gives what the folder holds, then what is new in it.
"""

from typing import Literal

import msgspec

from sparse_core.messages.jobs import JobState
from sparse_core.messages.training import Options
from sparse_core.messages.vocabulary import Message


class FollowRun(Message, frozen=True):
    """Everything in a run folder, then what is new in it, until cancelled.

    In this order: ``RunHead``; ``RunSeries``, ``RunLayers``, ``RunGroups`` and ``RunMarks`` as
    they are read, at most 5,000 rows each; ``RunState`` when that changes and every two seconds
    while it lives; ``RunAlert`` once for each thing that is wrong. A ``RunHead`` in the middle
    says that the run went back (a resume cut off its end, or the folder was made anew): forget
    everything before it. The folder may not exist yet, may vanish (state ``gone``) and come
    back. After a restart of the core the call begins again with a ``RunHead``.
    """

    run: str


class RunHead(Message, frozen=True):
    """How a run began. What follows replaces all that was known of it.

    Empty words and -1 where the folder does not say (yet): another head follows when it does.
    ``layers``, ``kinds``, ``shapes``, ``sparse`` (uint8) and ``reasons`` as in ``Draft``.
    ``options`` are all of run.json. ``exponent`` is what lambda alone will come to. ``command``
    is the command line that started it.
    """

    run: str
    task: str = ""
    method: str = ""
    pattern: str = ""
    axis: str = ""
    metric: str = ""
    higher_is_better: bool = True
    steps: int = -1
    steps_an_epoch: int = -1
    parameters: int = -1
    exponent: float | None = None
    layers: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    shapes: tuple[tuple[int, ...], ...] = ()
    sparse: bytes = b""
    reasons: tuple[str, ...] = ()
    options: Options = ()
    device: str = ""
    seed: int = 0
    processes: int = 1
    command: str = ""
    started: float = 0.0


class RunSeries(Message, frozen=True):
    """Points of some curves; they share ``steps`` (int64) and ``times`` (float64, since 1970).

    ``values`` are float64 columns, one a name, NaN where a curve has no point. Names:

    ====================================  ====================================================
    ``loss``, ``lr``, ``epoch``           of each step
    ``samples_per_s``, ``left_s``         of each step
    ``valid loss``, ``valid metric``      of each evaluation; ``train loss``, ``train metric``;
                                          with `` sd`` behind the name the deviation over
                                          examples
    ``sparsity``, ``flip rate``           of each mask, all layers together, shares
    ``pull``                              of each mask, the mean over layers, a share
    ``exponent``                          of each mask
    others                                what a ``Recorder`` was given
    ====================================  ====================================================

    Points of a name come in the order of their steps, in as many messages as it takes.
    """

    run: str
    steps: bytes
    times: bytes
    names: tuple[str, ...]
    values: tuple[bytes, ...]


class RunLayers(Message, frozen=True):
    """Masks of all layers at some steps.

    ``steps`` int64, one a mask. By mask and layer, mask after mask (``masks x layers``):
    ``kept``, ``births``, ``deaths`` int64 (their sum is SAD), ``pull`` float64, NaN unknown.
    By layer: ``entries`` int64, ``frozen_since`` int64, the step of the mask from which on
    nothing changed up to the last of these masks, -1 while it moves. ``virtual``: only looked at,
    not applied.
    """

    run: str
    names: tuple[str, ...]
    steps: bytes
    entries: bytes
    kept: bytes
    births: bytes
    deaths: bytes
    pull: bytes
    frozen_since: bytes
    virtual: bool = False


class RunGroups(Message, frozen=True):
    """Norms of a penalty's groups, a row a mask, layer and granularity.

    int64: ``steps``, ``groups``, ``zero``; float64: ``minimum``, ``median``, ``maximum``.
    """

    run: str
    steps: bytes
    layers: tuple[str, ...]
    granularities: tuple[str, ...]
    groups: bytes
    zero: bytes
    minimum: bytes
    median: bytes
    maximum: bytes


MarkKind = Literal[
    "set",
    "refused",
    "phase",
    "paused",
    "resumed",
    "saved",
    "best",
    "finished",
    "stopped",
    "failed",
]


class RunMarks(Message, frozen=True):
    """What happened once, a row each: lines and flags in the plots.

    ``names``: the knob (set, refused), the phase, the checkpoint's path (saved, best: absolute).
    ``values`` float64: of the knob, or bytes of the checkpoint; else NaN. ``texts`` are for
    people.
    """

    run: str
    kinds: tuple[MarkKind, ...]
    steps: bytes
    times: bytes
    names: tuple[str, ...]
    values: bytes
    texts: tuple[str, ...]


class RunState(Message, frozen=True):
    """Where a run is now.

    ``caught_up`` once everything in the folder was sent. ``here``: its process is on the core's
    machine and can be signalled. ``checkpoint`` is the last one and ``best_checkpoint`` the best
    ("" where there is none), both absolute; ``mask_step`` the last step with a mask. ``wanted``,
    ``knobs`` and ``steps_per_s`` are what was wished (control.json). ``memory_bytes`` of all
    processes of the job together, -1 unknown; ``disk_free_bytes`` likewise.
    ``figures`` are those of a finished run, by name.
    """

    run: str
    state: JobState
    caught_up: bool = False
    step: int = -1
    steps: int = -1
    left_s: float | None = None
    alive: bool = False
    here: bool = False
    pid: int = 0
    host: str = ""
    beat: float = 0.0
    sentence: str = ""
    wanted: Literal["run", "pause", "stop"] = "run"
    knobs: tuple[tuple[str, float | bool], ...] = ()
    steps_per_s: float | None = None
    checkpoint: str = ""
    best_checkpoint: str = ""
    mask_step: int = -1
    memory_bytes: int = -1
    disk_free_bytes: int = -1
    figures: tuple[tuple[str, float], ...] = ()


AlertKind = Literal["nan", "frozen", "silent", "disk", "died", "gone"]


class RunAlert(Message, frozen=True):
    """Something about a run that the user should know; comes once for each kind and run.

    ``nan``: the loss is no number. ``frozen``: the masks of all layers stopped changing.
    ``silent``: alive, but nothing new for 15 s. ``disk``: nearly full.
    """

    run: str
    kind: AlertKind
    sentence: str


class RunsWanted(Message, frozen=True):
    """A table of the run folders in a folder (or of these runs): one ``RunsTable``."""

    folders: tuple[str, ...]


class RunsTable(Message, frozen=True):
    """Runs side by side, as columns; then groups of runs that differ only in their seed.

    ``keys`` are the options that differ, ``cells`` their values as text, run after run
    (``runs x keys``, "" where a run has no such option). ``groups`` numbers each run's group
    (int32). float64, NaN unknown: ``best`` and ``last`` metric, ``loss`` (last, valid), ``flips``
    (flip rate of the last interval), ``frozen`` (share of the layers), ``sparsity``, ``seconds``.
    int64: ``steps``, ``seeds``.
    Group columns are float64 but ``group_counts`` (int64); deviations are those of a sample, NaN
    for a single run. ``metric`` is "" if the runs measure different things.
    """

    folders: tuple[str, ...]
    names: tuple[str, ...]
    states: tuple[JobState, ...]
    keys: tuple[str, ...]
    cells: tuple[str, ...]
    metric: str
    higher_is_better: bool
    steps: bytes
    seeds: bytes
    best: bytes
    last: bytes
    loss: bytes
    flips: bytes
    frozen: bytes
    sparsity: bytes
    seconds: bytes
    groups: bytes
    group_titles: tuple[str, ...]
    group_counts: bytes
    group_best: bytes
    group_best_sd: bytes
    group_last: bytes
    group_last_sd: bytes
    group_flips: bytes
    group_flips_sd: bytes
    group_frozen: bytes
    group_frozen_sd: bytes
    csv: str
    latex: str
    notes: tuple[str, ...] = ()


class AdviceWanted(Message, frozen=True):
    """What to do next, as it follows from a run's figures: one ``Advice``."""

    run: str


ActionKind = Literal["train", "speed", "export", "sensitivity", "resume", "open"]


class Action(msgspec.Struct, frozen=True):
    """One thing to do next.

    ``title`` is an imperative, ``reason`` the figures it follows from. ``options`` fill in the
    form of that kind: ``train`` a recipe, ``export`` and ``sensitivity`` a ``StartTool``,
    ``speed`` pattern and layers. ``source`` is the checkpoint or run it begins at. ``command``
    does the same in a terminal.
    """

    kind: ActionKind
    title: str
    reason: str
    source: str
    options: Options = ()
    command: str = ""


class Advice(Message, frozen=True):
    """The most useful first."""

    run: str
    actions: tuple[Action, ...]
