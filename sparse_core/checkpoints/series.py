"""A series: the checkpoints of one training, by any tool, in the order in which they were made."""

import glob
import os
import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path

import msgspec

from sparse_core.checkpoints.natural import natural_order
from sparse_core.checkpoints.stamp import stamp_of
from sparse_core.checkpoints.steps import steps_of
from sparse_core.errors import CheckpointError

_CHECKPOINT = re.compile(r"\.(safetensors|pth|pt|bin|ckpt|npz)(-\d+)?$", re.IGNORECASE)
_NO_MODEL = re.compile(
    r"^(optimizer|optim_states|scheduler|scaler|rng_state|training_args|trainer_state)"
    r"|-\d{5}-of-\d{5}\.",
    re.IGNORECASE,
)
"""What lies beside checkpoints and is none, and shards, which an index stands for."""
_DCP = ".metadata"
_SHOWN = 4


class Member(msgspec.Struct, frozen=True):
    """One checkpoint of a series.

    Attributes
    ----------
    path : Path
        File or folder, absolute.
    step : int
        Where it stands on the axis: the step of its name, or its place in the series.
    name : str
        What tells it from the others: its path below the folder they share.
    stamp : str
        ``stamp_of`` its path when it was found.
    """

    path: Path
    step: int
    name: str
    stamp: str = ""


class Series(msgspec.Struct, frozen=True):
    """Checkpoints in order, and what has to be said about that order.

    Attributes
    ----------
    members : tuple of Member
        By ascending step.
    notes : tuple of str
        Sentences for the user: what was left out, and why.
    """

    members: tuple[Member, ...]
    notes: tuple[str, ...] = ()


def find_series(sources: Sequence[str | Path], exclude: Sequence[str] = ()) -> Series:
    """Find the checkpoints of a series; nothing is opened.

    Parameters
    ----------
    sources : sequence of path
        A folder of checkpoints (files, or folders like ``checkpoint-500``), a glob, or the
        checkpoints themselves.
    exclude : sequence of str
        Globs of names, or steps, to leave out.

    Returns
    -------
    Series
        Ordered by the step in the names. Without steps in them, in natural order, or as listed.

    Raises
    ------
    CheckpointError
        If nothing is found, or everything is excluded.
    """
    found = [path for source in sources for path in _expand(source)]
    paths = list(dict.fromkeys(path.expanduser().absolute() for path in found))
    listed = len(sources) > 1
    names = _short_names(paths)
    series = _ordered(list(zip(paths, names, strict=True)), listed=listed)
    kept = tuple(one for one in series.members if not _excluded(one, exclude))
    if not kept:
        what = ", ".join(str(source) for source in sources[:_SHOWN])
        why = "everything is excluded" if series.members else "it holds no checkpoint"
        raise CheckpointError(f"{what}: {why}. Name a folder, a glob or files of checkpoints.")
    stamped = [msgspec.structs.replace(one, stamp=stamp_of(one.path)) for one in kept]
    return Series(tuple(stamped), series.notes)


def _expand(source: str | Path) -> Iterable[Path]:
    """Give the checkpoints that one source stands for."""
    path = Path(source).expanduser()
    if path.is_dir():
        return _inside(path)
    if path.exists() or not glob.has_magic(str(source)):
        return [path]
    matching = natural_order(glob.glob(os.path.expanduser(str(source)), recursive=True))  # noqa: PTH207, PTH111 - a pattern may be absolute
    return [Path(one) for one in matching if not _NO_MODEL.search(Path(one).name)]


def _inside(folder: Path) -> list[Path]:
    """List the checkpoints in a folder; the folder itself where it is one."""
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    folders = [entry for entry in entries if entry.is_dir() and _holds_checkpoint(entry)]
    files = [entry for entry in entries if entry.is_file() and _is_checkpoint(entry.name)]
    sharded = any(entry.name.endswith(".index.json") for entry in entries)
    alone = len(files) == 1 and steps_of([files[0].name]) == [None]
    if (folder / _DCP).is_file() or (not folders and (sharded or alone)):
        return [folder]
    return folders + files


def _is_checkpoint(name: str) -> bool:
    """Say whether a file is named like a checkpoint."""
    return bool(_CHECKPOINT.search(name)) and not _NO_MODEL.search(name)


def _holds_checkpoint(folder: Path) -> bool:
    """Say whether a folder looks like one checkpoint."""
    try:
        names = [entry.name for entry in folder.iterdir()]
    except OSError:
        return False
    return any(
        name == _DCP or name.endswith(".index.json") or _is_checkpoint(name) for name in names
    )


def _short_names(paths: Sequence[Path]) -> list[str]:
    """Name paths below the folder that all of them share."""
    if len(paths) < 2:
        return [path.name for path in paths]
    shared = os.path.commonpath([path.parent for path in paths])
    return [path.relative_to(shared).as_posix() for path in paths]


def _ordered(found: list[tuple[Path, str]], *, listed: bool) -> Series:
    """Put checkpoints in order, by step where their names tell."""
    steps = steps_of([name for _, name in found])
    told = [step for step in steps if step is not None]
    if listed and (len(told) < len(found) or len(set(told)) < len(told)):
        return _as_listed(found)
    if len(told) < min(2, len(found)):
        order = {name: place for place, name in enumerate(natural_order(n for _, n in found))}
        return _as_listed(sorted(found, key=lambda one: order[one[1]]))
    return _by_step(found, steps)


def _as_listed(found: list[tuple[Path, str]]) -> Series:
    """Give checkpoints numbers in the order in which they come."""
    members = tuple(Member(path, place, name) for place, (path, name) in enumerate(found))
    note = "The names tell no steps that differ: the checkpoints are numbered from 0."
    return Series(members, (note,) if len(members) > 1 else ())


def _by_step(found: list[tuple[Path, str]], steps: list[int | None]) -> Series:
    """Sort by step; of several with the same step the first in natural order stays."""
    by_name = dict(zip((name for _, name in found), zip(found, steps, strict=True), strict=True))
    members: dict[int, Member] = {}
    notes, stepless = [], []
    for name in natural_order(by_name):
        (path, _), step = by_name[name]
        if step is None:
            stepless.append(name)
        elif step in members:
            notes.append(f"{name} is left out: {members[step].name} is of step {step}, too.")
        else:
            members[step] = Member(path, step, name)
    if stepless:
        shown = ", ".join(stepless[:_SHOWN]) + (", ..." if len(stepless) > _SHOWN else "")
        notes.append(f"Left out, for their names tell no step: {shown}.")
    ordered = tuple(members[step] for step in sorted(members))
    return Series(ordered, (*notes, *_gaps([one.step for one in ordered])))


def _gaps(steps: Sequence[int]) -> list[str]:
    """Say where steps are missing from a series that is otherwise even."""
    strides = [after - before for before, after in pairwise(steps)]
    if len(strides) < 3:
        return []
    usual = max(set(strides), key=strides.count)
    if 2 * strides.count(usual) <= len(strides):
        return []
    wide = [place for place, stride in enumerate(strides) if stride > usual]
    holes = [f"{steps[place]} and {steps[place + 1]}" for place in wide]
    more = f" and {len(holes) - _SHOWN} more" if len(holes) > _SHOWN else ""
    shown = ", ".join(holes[:_SHOWN]) + more
    return [f"A checkpoint comes every {usual} steps, but not between {shown}."] if holes else []


def _excluded(member: Member, exclude: Sequence[str]) -> bool:
    """Say whether the user left a checkpoint out."""
    texts = (member.name, member.path.name, str(member.step))
    return any(fnmatchcase(text, glob) for glob in exclude for text in texts)
