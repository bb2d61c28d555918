"""A sweep: which runs it is made of, what each differs in, and how far it is."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import msgspec

from sparse_core.errors import RunError
from sparse_core.runs.atomic import replace_file
from sparse_core.runs.events import Finished
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.job_state import last_event

PLAN = "sweep.json"
_UNSAFE = str.maketrans(
    {"/": "-", "\\": "-", ":": "-", ",": "-", " ": "-", "*": "all", "!": "not-"}
)
LONGEST_NAME = 120


class SweepRun(msgspec.Struct, frozen=True):
    """One run of a sweep: its folder's name, and the options it differs in, as text."""

    name: str
    options: tuple[tuple[str, str], ...]


class Plan(msgspec.Struct, frozen=True):
    """``sweep.json``: all runs of a sweep in their order, and the command that made it."""

    runs: tuple[SweepRun, ...]
    command: tuple[str, ...] = ()


def read_over(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Read ``--sweep KEY=VALUE,VALUE,...``.

    Values with a comma (``layers``) are written with a semicolon between them:
    ``layers=*,!last;*``.

    Raises
    ------
    RunError
        If one has no values, or names an option twice.
    """
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        key, mark, listed = text.partition("=")
        key = key.strip().removeprefix("--").replace("-", "_")
        between = ";" if ";" in listed else ","
        values = tuple(dict.fromkeys(word.strip() for word in listed.split(between)))
        if not (mark and key and all(values)):
            raise RunError(f"--sweep wants values as in lambda=0,2e-3,1e-2, not {text!r}.")
        if key in found:
            raise RunError(f"--sweep names {key} twice: list its values behind one.")
        found[key] = values
    return found


def plan_of(over: Mapping[str, Sequence[str]], seed: int, seeds: int) -> tuple[SweepRun, ...]:
    """List every combination, all seeds of one before the next.

    Parameters
    ----------
    over : mapping of str to sequence of str
        Values by option.
    seed : int
        The first seed.
    seeds : int
        How many of them.

    Raises
    ------
    RunError
        If two runs would get the same folder.
    """
    runs = []
    for values in product(*over.values()):
        pairs = tuple(zip(over, values, strict=True))
        for number in range(seed, seed + seeds) if "seed" not in over else ("",):
            options = pairs if number == "" else (*pairs, ("seed", str(number)))
            name = "_".join(f"{key}-{value}".translate(_UNSAFE) for key, value in options)
            runs.append(SweepRun(name[:LONGEST_NAME].rstrip("."), options))
    names = [run.name for run in runs]
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        raise RunError(f"Two runs of the sweep would share the folder {twice}: sweep over less.")
    return tuple(runs)


def write_plan(folder: Path, plan: Plan) -> None:
    """Write the plan, indented for people."""
    replace_file(folder / PLAN, [msgspec.json.format(msgspec.json.encode(plan), indent=2), b"\n"])


def read_plan(folder: Path) -> Plan | None:
    """Read the plan; None where a folder is no sweep."""
    try:
        return msgspec.json.decode((folder / PLAN).read_bytes(), type=Plan)
    except (OSError, msgspec.DecodeError):
        return None


def is_complete(run: Path) -> bool:
    """Say whether a run did all its steps."""
    last = last_event(RunFolder(run).events)
    return isinstance(last, Finished) and last.reason == "complete"
