"""Work that outlives the window and the core: started, listed, steered, ended.

A job is a process in a session of its own with no pipe to anybody; everything it has to say it
writes into its folder. A training's folder is the run folder. Whoever sees the folder can follow
and steer it, so a run that was started in a terminal, by torchrun or on another machine is
listed and steered like any other once its folder was opened; only signals stay on its machine.
"""

from typing import Literal

from sparse_core.messages.training import Options, Recipe, Value
from sparse_core.messages.vocabulary import Message

JobKind = Literal["train", "sweep", "evaluate", "sensitivity", "curve", "export"]

JobState = Literal[
    "starting", "running", "paused", "stopping", "finished", "stopped", "failed", "died", "gone"
]
"""``finished`` did all its steps; ``stopped`` was asked to end, and can be resumed; ``failed``
said why; ``died`` ended without a word; ``gone`` has no folder any more. All that began after
``stopping`` are ends."""

Ending = Literal["stop", "terminate", "kill"]


class StartTraining(Message, frozen=True):
    """Train in a process of its own: one ``JobStarted``, as soon as the process exists.

    What is wrong with the options shows in the run's state (``failed``) and log; ask for a
    ``Draft`` before. Refused (``Failed``) if the folder holds a run already.
    """

    recipe: Recipe
    python: str = ""


class ResumeTraining(Message, frozen=True):
    """Go on where a run stopped or died: one ``JobStarted``.

    ``trusted`` as in ``Recipe``: a run that uses a Python file of the user's names it.
    """

    run: str
    trusted: tuple[str, ...] = ()
    python: str = ""


class StartSweep(Message, frozen=True):
    """Train one run after the other in a folder: one ``JobStarted``.

    Every combination of the values in ``over``, each with ``seeds`` seeds (seed, seed + 1, ...).
    ``recipe.run`` is the folder that gets the run folders. Runs that are finished already are
    skipped, so starting it again goes on.
    """

    recipe: Recipe
    over: tuple[tuple[str, tuple[Value, ...]], ...] = ()
    seeds: int = 1
    python: str = ""


class StartTool(Message, frozen=True):
    """Measure or export a checkpoint or run as a job: one ``JobStarted``.

    ``options`` are those of the command of that name, by key: ``task``, ``pattern``, ``axis``,
    ``layers``, ``device``; ``sparsity`` (sensitivity), ``criteria`` and ``sparsities`` (curve),
    ``out``, ``pattern``, ``compact``, ``average`` (export); and the task's own. What it finds is
    asked for by ``MeasurementsWanted``.
    """

    kind: Literal["evaluate", "sensitivity", "curve", "export"]
    source: str
    options: Options = ()
    trusted: tuple[str, ...] = ()
    python: str = ""


class JobStarted(Message, frozen=True):
    """A job exists. ``folder`` names it from now on; for a training it is the run folder."""

    folder: str
    kind: JobKind
    pid: int


class FollowJobs(Message, frozen=True):
    """Every job and run known on the core's machine: a ``Jobs`` now and after each change.

    Stays open until cancelled. The list is the same for every window and core of this user.
    """


class Jobs(Message, frozen=True):
    """All known jobs as columns, the latest started first; replaces the list before.

    ``folders`` name them. int64: ``steps`` done and ``totals`` planned (-1 unknown; of a sweep:
    runs; of a tool: rows). float64, NaN unknown: ``left_s``, ``started`` (since 1970), ``beat``
    (last sign of life). uint8: ``here`` (this machine's process: it can be signalled), ``alive``.
    ``titles`` are for people: method, pattern and task. ``parents`` names the sweep a run belongs
    to, "" if none. ``sentences`` say why it failed.
    """

    folders: tuple[str, ...]
    kinds: tuple[JobKind, ...]
    states: tuple[JobState, ...]
    titles: tuple[str, ...]
    methods: tuple[str, ...]
    patterns: tuple[str, ...]
    parents: tuple[str, ...]
    hosts: tuple[str, ...]
    sentences: tuple[str, ...]
    steps: bytes
    totals: bytes
    pids: bytes
    left_s: bytes
    started: bytes
    beat: bytes
    here: bytes
    alive: bytes


class KnowRun(Message, frozen=True):
    """Put a run folder that somebody else made on the list: ``Done``; ``Failed`` if it is none."""

    run: str


class ForgetJobs(Message, frozen=True):
    """Take jobs off the list: ``Done``. Nothing is deleted; what is alive stays listed."""

    folders: tuple[str, ...]


class LogWanted(Message, frozen=True):
    """The end of a job's log: one ``Log``. Newest wins per ``view``."""

    view: int
    folder: str
    most_bytes: int = 65536


class Log(Message, frozen=True):
    """The last whole lines of standard output and error; ``cut`` if there is more before."""

    view: int
    folder: str
    text: str
    cut: bool


class Steer(Message, frozen=True):
    """Turn knobs of a live run, whoever started it: one ``Steered``.

    ``knobs`` by name (``lambda``, ``lr``, ``freeze``); ``steps_per_s`` is slow motion, 0 ends it,
    None leaves it; ``save`` asks for a checkpoint now. That it was done shows as a ``set`` mark in
    the run.
    """

    run: str
    wanted: Literal["", "run", "pause"] = ""
    knobs: tuple[tuple[str, float | bool], ...] = ()
    steps_per_s: float | None = None
    save: bool = False


class Steered(Message, frozen=True):
    """What the run is wanted to do now: the whole ``control.json``."""

    run: str
    number: int
    wanted: Literal["run", "pause", "stop"]
    knobs: tuple[tuple[str, float | bool], ...]
    steps_per_s: float | None


class EndJob(Message, frozen=True):
    """End a job: ``EndStage`` as it goes, then ``Done`` when no process of it is left.

    ``stop`` asks it to finish its step and save; ``terminate`` sends SIGTERM to every process of
    the job; ``kill`` ends them at once, and what was not saved is lost. Each waits for its stage
    alone; with ``escalate`` the next stage follows when one took too long (6 s, 4 s), so that
    nothing is left after 15 s. Ask again with the next stage, or cancel, at any time: cancelling
    ends the waiting, not what was sent. Jobs of another machine can only be stopped.
    """

    folder: str
    how: Ending = "stop"
    escalate: bool = False


class EndStage(Message, frozen=True):
    """What is being done to end a job. ``processes`` of it are left, -1 on another machine."""

    folder: str
    stage: Ending
    processes: int
    sentence: str


class MeasurementsWanted(Message, frozen=True):
    """What a tool found so far: one ``Measurements``. Ask again while it runs."""

    folder: str


class Measurements(Message, frozen=True):
    """Rows of evaluate, sensitivity or curve, as columns.

    ``types``: ``evaluation``, ``sensitivity``, ``point`` or ``slack`` (docs/training.md).
    float64, NaN where there is none: ``sparsity``, ``loss``, ``loss_sd``, ``metric``,
    ``metric_sd``, ``loss_increase``, ``metric_drop``, ``slack``. int64: ``entries``, ``kept``,
    ``dense_bytes`` and ``sparse_bytes`` (of the layer as fp32, and packed: values and the indices
    that an N:M form or a bitmap needs), -1 where there is none.
    ``paths`` were written (export), ``sentences`` were said.
    """

    folder: str
    kind: JobKind
    types: tuple[str, ...]
    layers: tuple[str, ...]
    weights: tuple[str, ...]
    criteria: tuple[str, ...]
    patterns: tuple[str, ...]
    sparsity: bytes
    loss: bytes
    loss_sd: bytes
    metric: bytes
    metric_sd: bytes
    loss_increase: bytes
    metric_drop: bytes
    slack: bytes
    entries: bytes
    kept: bytes
    dense_bytes: bytes
    sparse_bytes: bytes
    paths: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
