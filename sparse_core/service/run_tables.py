"""Runs side by side, and what to do next with one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sparse_core.analysis.next_steps import next_steps
from sparse_core.errors import RunError
from sparse_core.messages import Progress
from sparse_core.messages.runs import Advice, AdviceWanted, RunsTable, RunsWanted
from sparse_core.runs.places import absolute
from sparse_core.runs.table import (
    FIGURES,
    Row,
    Table,
    as_csv,
    as_latex,
    find_runs,
    read_row,
    table_of,
)
from sparse_core.service.columns import floats, ints
from sparse_core.service.lanes import Job


def runs_table(job: Job, wanted: RunsWanted) -> RunsTable:
    """Read the runs in some folders; those that cannot be read are noted."""
    folders = find_runs(absolute(folder) for folder in wanted.folders)
    rows: list[Row] = []
    notes: list[str] = []
    for number, folder in enumerate(folders):
        job.tick()
        try:
            rows.append(read_row(folder))
        except RunError as error:
            notes.append(str(error))
        job.answer(Progress(number + 1, len(folders), "runs", None, folder.name))
    return columns_of(table_of(rows), notes)


def columns_of(table: Table, notes: Sequence[str] = ()) -> RunsTable:
    """Turn a table into columns."""
    group_of = {row: number for number, group in enumerate(table.groups) for row in group.rows}
    rows = table.rows
    groups = {
        name: floats([getattr(group, part)[figure] for group in table.groups])
        for figure in FIGURES
        for name, part in ((f"group_{figure}", "means"), (f"group_{figure}_sd", "deviations"))
    }
    return RunsTable(
        folders=tuple(row.folder for row in rows),
        names=tuple(row.name for row in rows),
        states=tuple(row.state for row in rows),
        keys=table.keys,
        cells=tuple(row.options.get(key, "") for row in rows for key in table.keys),
        metric=table.metric,
        higher_is_better=table.higher_is_better,
        steps=ints([row.step for row in rows]),
        seeds=ints([row.seed for row in rows]),
        best=floats([row.best for row in rows]),
        last=floats([row.last for row in rows]),
        loss=floats([row.loss for row in rows]),
        flips=floats([row.flips for row in rows]),
        frozen=floats([row.frozen for row in rows]),
        sparsity=floats([row.sparsity for row in rows]),
        seconds=floats([row.seconds for row in rows]),
        groups=np.array([group_of[number] for number in range(len(rows))], "<i4").tobytes(),
        group_titles=tuple(group.title for group in table.groups),
        group_counts=ints([len(group.rows) for group in table.groups]),
        csv=as_csv(table),
        latex=as_latex(table),
        notes=(*table.notes, *notes),
        **groups,
    )


def advice(job: Job, wanted: AdviceWanted) -> Advice:
    """Say what to do next with a run."""
    del job
    run: Path = absolute(wanted.run)
    return Advice(wanted.run, next_steps(run))
