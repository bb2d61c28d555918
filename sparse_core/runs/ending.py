"""End a job in three honest stages, until no process of it is left."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from sparse_core.errors import RunError
from sparse_core.messages.jobs import Ending, EndStage
from sparse_core.runs.control import read_control, steer
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.job_state import ENDS, Standing, standing_of
from sparse_core.runs.known import Known, recall, remember
from sparse_core.runs.processes import Process, can_signal, processes_of, send

STAGES: tuple[Ending, ...] = ("stop", "terminate", "kill")
PATIENCE_S: dict[Ending, float] = {"stop": 6.0, "terminate": 4.0, "kill": 4.0}
"""How long a stage may take before the next one follows, where that is wished."""
AGAIN_S = 2.0
"""A training finishes its step at the first SIGTERM and ends at once at the second."""
LOOK_S = 0.1


def end(
    folder: Path, how: Ending, *, escalate: bool = False, tick: Callable[[], None] = lambda: None
) -> Iterator[EndStage]:
    """End a job, telling each stage and each change of what is left.

    The last value has no process left, or says that it took too long.

    Parameters
    ----------
    folder : Path
    how : {"stop", "terminate", "kill"}
    escalate : bool
        Whether the next stage follows by itself.
    tick : callable
        Called between two looks; what it raises ends the waiting, but what was sent stays sent.

    Raises
    ------
    RunError
        If it is on another machine and is to be signalled, or this system cannot.
    """
    known = recall(str(folder))
    stage = how
    while True:
        _mark(known, stage)
        yield from _one_stage(folder, known, stage, limited=escalate or stage != "stop", tick=tick)
        over = _over(folder, known)
        if over or not escalate or stage == "kill":
            break
        stage = STAGES[STAGES.index(stage) + 1]
    if not over:
        left = len(_left(folder, known))
        yield EndStage(str(folder), stage, left, _still(left, stage))


def _one_stage(
    folder: Path,
    known: Known | None,
    stage: Ending,
    *,
    limited: bool,
    tick: Callable[[], None],
) -> Iterator[EndStage]:
    """Do one stage and wait for it."""
    begun = time.monotonic()
    told: int | None = None
    sent: dict[Process, int] = {}
    asked = False
    while True:
        standing = standing_of(folder, known)
        if stage == "stop" and not asked:
            # A resume that is just starting takes back what was wished of the run before it.
            _ask(folder)
            asked = standing.state != "starting"
        left = _left(folder, known)
        if stage != "stop":
            _require_here(folder, standing, left)
            _signal(left, stage, sent, time.monotonic() - begun)
        count = len(left) if standing.here or left else -1
        over = _over(folder, known)
        if count != told or over:
            told = 0 if over else count
            yield EndStage(str(folder), stage, told, _SENTENCES[stage])
        if over or (limited and time.monotonic() - begun > PATIENCE_S[stage]):
            return
        tick()
        time.sleep(LOOK_S)


def _ask(folder: Path) -> None:
    """Wish that it stops, unless that is wished already."""
    control = RunFolder(folder).control
    if folder.is_dir() and read_control(control).wanted != "stop":
        steer(control, wanted="stop")


_SENTENCES: dict[Ending, str] = {
    "stop": "It was asked to finish its step and save.",
    "terminate": "Its processes were asked to end.",
    "kill": "Its processes were ended at once; what was not saved is lost.",
}


def _still(left: int, stage: Ending) -> str:
    advice = {"stop": "Terminate it", "terminate": "Kill it", "kill": "Look at them in a terminal"}
    what = "1 process is" if left == 1 else f"{left} processes are"
    return f"After {PATIENCE_S[stage]:.0f} s {what} still there. {advice[stage]}."


def _signal(
    left: tuple[Process, ...], stage: Ending, sent: dict[Process, int], waited_s: float
) -> None:
    """Signal each process once; at ``terminate`` a second time after a while."""
    for process in left:
        times = sent.get(process, 0)
        if stage == "kill":
            send(process, signal.SIGKILL)
        elif times == 0 or (times == 1 and waited_s > AGAIN_S):
            sent[process] = times + 1
            send(process, signal.SIGTERM)


def _left(folder: Path, known: Known | None) -> tuple[Process, ...]:
    """Give the processes of a job that run on this machine."""
    standing = standing_of(folder, known)
    if known is not None and known.token:
        started = Process(known.pid, known.pid_start)
        own = processes_of(started, known.token, session=True)
        others = processes_of(standing.process) if standing.alive and standing.here else ()
        return tuple(dict.fromkeys((*own, *others)))
    return processes_of(standing.process) if standing.alive and standing.here else ()


def _over(folder: Path, known: Known | None) -> bool:
    standing = standing_of(folder, known)
    return not _left(folder, known) and (standing.state in ENDS or not standing.alive)


def _require_here(folder: Path, standing: Standing, left: tuple[Process, ...]) -> None:
    if left or not standing.alive:
        return
    if not standing.here:
        host = standing.status.host if standing.status else "another machine"
        raise RunError(
            f"{folder.name} runs on {host}: it can only be asked to stop from here. To end it at "
            f"once, sign in to {host}."
        )
    if not can_signal():
        raise RunError(
            "This system does not tell processes apart well enough to end one safely: ask the run "
            f"to stop, or end process {standing.process.pid} in a terminal."
        )


def _mark(known: Known | None, stage: Ending) -> None:
    """Note how a job was told to end, so that its end is not taken for a death."""
    if known is not None:
        remember(msgspec.structs.replace(known, asked=stage))
