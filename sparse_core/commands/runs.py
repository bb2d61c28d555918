"""Compare the runs in a folder: options that differ, best and last metric, flips, frozen layers.

Runs that differ only in their seed are put together as mean and standard deviation. With
`--advice`, say of each run what to do next and why.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from sparse_core.commands.child import complain, printable
from sparse_core.errors import RunError
from sparse_core.runs.table import (
    FIGURES,
    Row,
    Table,
    as_csv,
    as_latex,
    columns_of,
    find_runs,
    read_row,
    spread,
    table_of,
)

SUMMARY = "compare runs, means over seeds, what to do next"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command understands."""
    parser.add_argument(
        "folders", nargs="+", type=Path, metavar="FOLDER", help="runs, or their folder"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="an object a run, then one a group")
    form.add_argument("--csv", action="store_true", help="a row a run")
    form.add_argument("--latex", action="store_true", help="a row a group, for booktabs")
    form.add_argument("--advice", action="store_true", help="what to do next with each run")


def run(args: argparse.Namespace) -> int:
    """Read the runs and print them."""
    folders = find_runs(args.folders)
    if args.advice:
        return _advise(folders)
    table = table_of(_rows(folders))
    if args.csv:
        sys.stdout.write(as_csv(table))
    elif args.latex:
        sys.stdout.write(as_latex(table))
    elif args.json:
        _print_json(table)
    else:
        _print_text(table)
    for note in table.notes:
        complain(note)
    return 0


def _rows(folders: Sequence[Path]) -> list[Row]:
    """Read the runs; one that cannot be read is told, and left out."""
    rows = []
    for folder in folders:
        try:
            rows.append(read_row(folder))
        except RunError as error:
            complain(str(error))
    return rows


def _print_json(table: Table) -> None:
    for row in table.rows:
        print(msgspec.json.encode({"type": "run", **msgspec.to_builtins(row)}).decode())
    for group in table.groups:
        fields = msgspec.to_builtins(group)
        fields["runs"] = [table.rows[number].name for number in fields.pop("rows")]
        fields["options"] = dict(zip(table.keys, fields.pop("cells"), strict=True))
        print(msgspec.json.encode({"type": "group", **fields}).decode())


def _print_text(table: Table) -> None:
    columns = columns_of(table)
    _print_aligned(
        [
            [title for title, _ in columns],
            *[[text(row) for _, text in columns] for row in table.rows],
        ]
    )
    if len(table.groups) == len(table.rows):
        return
    print()
    head = [*table.keys, "seeds", *(title for title in FIGURES)]
    groups = [
        [*group.cells, str(len(group.rows)), *(spread(group, figure) for figure in FIGURES)]
        for group in table.groups
    ]
    _print_aligned([head, *groups])


def _print_aligned(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(printable("  ".join(cells).rstrip()))


def _advise(folders: Sequence[Path]) -> int:
    from sparse_core.analysis.next_steps import next_steps

    for folder in folders:
        actions = next_steps(folder)
        print(
            f"{printable(str(folder))}: {'nothing to do next' if not actions else ''}".rstrip(": ")
        )
        for action in actions:
            print(f"  {printable(action.title)}")
            print(f"    {printable(action.reason)}")
            print(f"    {printable(action.command)}")
    return 0
