"""Train a sparse network; everything it does lies in the run folder.

Options of the chosen method and task come on top of those below: `train --method NAME --task NAME
--help` shows them. A TOML file holds the same options by the same names. SIGINT and SIGTERM
finish the step and save; a second one ends at once.

With `--sweep lambda=0,2e-3,1e-2` or `--seeds 3` the run folder gets a run folder for each
combination, trained one after the other; the same command goes on with a sweep that was cut off.
"""

import argparse
import os
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparse_core.commands.growing import add_fields, grow
from sparse_core.errors import RunError
from sparse_core.runs.events import Event, to_line
from sparse_core.runs.recipes import option_words

if TYPE_CHECKING:
    import msgspec


SUMMARY = "train a sparse network, or resume a run"
_PLAIN = ("run", "folder", "resume", "json", "config", "command", "sweep", "seeds")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what needs no torch; the rest is added when the words are parsed."""
    parser.add_argument(
        "--run", dest="folder", metavar="DIR", type=Path, required=True, help="run folder"
    )
    parser.add_argument("--resume", action="store_true", help="go on where the run stopped")
    parser.add_argument("--config", type=Path, help="TOML file with options")
    parser.add_argument("--json", action="store_true", help="print the events, one a line")
    parser.add_argument(
        "--sweep",
        action="append",
        default=[],
        metavar="KEY=VALUE,...",
        help="train once for each value; of several options each combination",
    )
    parser.add_argument("--seeds", type=int, metavar="N", help="train each with N seeds")
    grow(parser, _add_options)


def _add_options(parser: argparse.ArgumentParser, words: list[str]) -> None:
    from sparse_core.training.forms import fields_of
    from sparse_core.training.options import TrainOptions
    from sparse_core.training.registry import find_method, find_task

    named = _named(words)
    add_fields(parser, "training", fields_of(TrainOptions))
    method, task = find_method(named["method"]), find_task(named["task"])
    add_fields(parser, f"method {named['method']}", fields_of(method.Options))
    add_fields(parser, f"task {named['task']}", fields_of(task.Options))


def _named(words: Sequence[str]) -> dict[str, str]:
    """Look which method and task the words, or the run or file they name, are about."""
    from sparse_core.training.options import TrainOptions

    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--method")
    first.add_argument("--task")
    first.add_argument("--config", type=Path)
    first.add_argument("--run", type=Path)
    first.add_argument("--resume", action="store_true")
    known, _ = first.parse_known_args(list(words))
    plain = TrainOptions()
    named = {"method": plain.method, "task": plain.task}
    if known.config:
        named |= {key: str(value) for key, value in read_toml(known.config).items() if key in named}
    if known.resume and known.run:
        named |= _named_by_run(known.run)
    return named | {key: value for key in named if (value := getattr(known, key))}


def _named_by_run(run: Path) -> dict[str, str]:
    """Give the method and task of a run; a file of somebody's is not loaded for that."""
    from sparse_core.runs.config import read_config
    from sparse_core.training.registry import is_file

    config = read_config(run / "run.json")
    words = {"method": config.method, "task": config.task}
    return {key: value for key, value in words.items() if not is_file(value)}


def read_toml(path: Path) -> dict[str, Any]:
    """Read options from a TOML file; dashes in names are as good as underscores.

    Raises
    ------
    RunError
        If it cannot be read.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read: {error}.") from error
    return {key.replace("-", "_"): value for key, value in values.items()}


def run(args: argparse.Namespace) -> int:
    """Start or resume a run; 0 when it is complete or stopped well."""
    from sparse_core.training.progress import Progress
    from sparse_core.training.session import resume, start

    given = {
        key: value for key, value in vars(args).items() if key not in _PLAIN and value is not None
    }
    if args.sweep or args.seeds is not None:
        return _sweep(args, given)
    progress = Progress(sys.stderr)
    echo = _print_line if args.json else progress.show
    if args.resume:
        trusted = [str(value) for key in ("task", "method") if (value := given.pop(key, None))]
        _refuse_changes(given)
        outcome = resume(args.folder, trusted=trusted, command=sys.argv, echo=_on_first(echo))
    else:
        values = read_toml(args.config) if args.config else {}
        request = request_of({**values, **given})
        outcome = start(request, args.folder, command=sys.argv, echo=_on_first(echo))
    if not args.json and _first_process():
        progress.end(f"{outcome.run}: {outcome.reason} at step {outcome.step}")
    return 0


def _sweep(args: argparse.Namespace, given: dict[str, Any]) -> int:
    """Train one run after the other; nothing starts before the options of all fit."""
    from sparse_core.commands.sweep import Sweep

    if args.resume or args.json:
        raise RunError("A sweep goes on by the same command, and prints no events: see its runs.")
    if args.seeds is not None and args.seeds < 1:
        raise RunError(f"--seeds must be at least 1, not {args.seeds}.")
    values = {**(read_toml(args.config) if args.config else {}), **given}
    seed = request_of(values).options.seed
    config = ("--config", str(args.config.absolute())) if args.config else ()
    shared = option_words(tuple((key, value) for key, value in given.items() if key != "seed"))
    sweep = Sweep(args.folder, (*config, *shared), args.sweep, seed, args.seeds or 1)
    for one in sweep.runs:
        request_of({**values, **dict(one.options)})
    return sweep.train(sys.argv)


def request_of(values: dict[str, Any]) -> Any:
    """Sort options into those of training, of the method and of the task.

    Raises
    ------
    RunError
        If an option belongs to none of them.
    """
    from sparse_core.training.forms import fields_of, fill
    from sparse_core.training.job import Request
    from sparse_core.training.options import TrainOptions
    from sparse_core.training.registry import find_method, find_task

    common = {field.key for field in fields_of(TrainOptions)}
    options = fill(TrainOptions, {key: values[key] for key in values if key in common}, "train")
    method = _part(values, find_method(options.method).Options)
    task = _part(values, find_task(options.task).Options)
    left_over = next((key for key in values if key not in {*common, *method, *task}), None)
    if left_over is not None:
        raise RunError(
            f"Neither train nor {options.method} nor {options.task} has an option "
            f"--{left_over.replace('_', '-')}."
        )
    return Request(options, method, task)


def _part(values: dict[str, Any], options: "type[msgspec.Struct]") -> dict[str, Any]:
    from sparse_core.training.forms import fields_of

    keys = {field.key for field in fields_of(options)}
    return {key: value for key, value in values.items() if key in keys}


def _refuse_changes(given: dict[str, Any]) -> None:
    if given:
        flags = ", ".join(f"--{key.replace('_', '-')}" for key in given)
        raise RunError(
            f"A resumed run keeps its options ({flags} given). Change them while it runs, or start "
            "another run with --init."
        )


def _print_line(event: Event) -> None:
    sys.stdout.buffer.write(to_line(event))
    sys.stdout.buffer.flush()


def _on_first(echo: Callable[[Event], None]) -> Callable[[Event], None] | None:
    """Echo only in the first of several processes."""
    return echo if _first_process() else None


def _first_process() -> bool:
    return os.environ.get("RANK", "0") == "0"
