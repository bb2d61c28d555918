"""What evaluate, sensitivity and curve share: which model they look at, and how they print."""

import argparse
import csv
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from sparse_core.commands.growing import add_fields, grow
from sparse_core.patterns import AXES, NMPattern

if TYPE_CHECKING:
    from sparse_core.training.costs import Row
    from sparse_core.training.subject import Subject


def add_subject(parser: argparse.ArgumentParser) -> None:
    """Add what names a model."""
    add = parser.add_argument
    add("checkpoint", type=Path, help="a checkpoint, or a run folder")
    add("--task", help="what it is measured on; that of its run if it has one")
    add("--pattern", metavar="N:M", help="project to this pattern")
    add("--axis", choices=AXES, default="in", help="where its groups run")
    add("--layers", action="append", default=[], metavar="GLOB", help="which layers are pruned")
    add("--device", default="cpu", help="cpu, cuda, cuda:1")
    add("--json", action="store_true", help="one object a line")
    add("--csv", type=Path, metavar="FILE", help="write the rows to a file, too")
    grow(parser, add_task_options)


def add_task_options(parser: argparse.ArgumentParser, words: list[str]) -> None:
    """Add the options of the task that the words name, directly or by a run."""
    from sparse_core.training.forms import fields_of
    from sparse_core.training.registry import find_task

    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--task")
    first.add_argument("checkpoint", nargs="?", type=Path)
    known, _ = first.parse_known_args(words)
    name = known.task or _task_of_run(known.checkpoint)
    fields = fields_of(find_task(name).Options) if name else ()
    add_fields(parser, f"task {name}", fields)
    parser.set_defaults(task_keys=tuple(field.key for field in fields))


def task_options(args: argparse.Namespace) -> dict[str, Any]:
    """Give the task's options among the words."""
    given = {key: getattr(args, key) for key in args.task_keys}
    return {key: value for key, value in given.items() if value is not None}


def _task_of_run(path: Path | None) -> str:
    """Give the built-in task of the run that a path is or lies in, "" without one."""
    from sparse_core.runs.config import read_config
    from sparse_core.training.registry import is_file

    for root in () if path is None else (path, path.resolve().parent.parent):
        if (root / "run.json").is_file():
            task = read_config(root / "run.json").task
            return "" if is_file(task) else task
    return ""


def subject_of(args: argparse.Namespace) -> "Subject":
    """Load the model that the words name."""
    from sparse_core.training.subject import Subject, Where

    where = Where(args.checkpoint, args.task or "", task_options(args), args.device)
    return Subject(where)


def pattern_of(args: argparse.Namespace) -> NMPattern | None:
    """Read ``--pattern`` and ``--axis``."""
    return NMPattern.parse(args.pattern, args.axis) if args.pattern else None


def print_rows(args: argparse.Namespace, rows: "Iterable[Row]") -> int:
    """Print rows as they come, and write them to a file if one is named."""
    written: list[dict[str, Any]] = []
    for row in rows:
        fields = msgspec.to_builtins(row)
        written.append(fields)
        if args.json:
            sys.stdout.buffer.write(msgspec.json.encode(row) + b"\n")
            sys.stdout.buffer.flush()
        else:
            print("  ".join(f"{key} {_text(value)}" for key, value in fields.items()))
    if args.csv:
        _write_csv(args.csv, written)
    return 0


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
