"""The figures of a run that advice follows from, its last checkpoint looked at."""

from pathlib import Path

from sparse_core.analysis.eligibility import eligible
from sparse_core.analysis.kinds import Kind
from sparse_core.analysis.library import scan
from sparse_core.dtypes import DTYPES
from sparse_core.errors import SparseError
from sparse_core.messages import LayerReport
from sparse_core.messages.runs import Action
from sparse_core.runs.advice import Figures, LayerFigures, advise
from sparse_core.runs.config import read_config
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.job_state import standing_of
from sparse_core.runs.known import recall
from sparse_core.runs.ledger import Ledger
from sparse_core.runs.reader import read_events
from sparse_core.runs.recipes import recipe_of

LOW = DTYPES["bfloat16"]
"""The format that networks are shipped in; no 2:4 kernel takes the fp32 that they train in."""


def next_steps(run: Path) -> tuple[Action, ...]:
    """Say what to do next with a run.

    Raises
    ------
    RunError
        If the folder is no run.
    """
    return advise(figures_of(run))


def figures_of(run: Path) -> Figures:
    """Read a run and scan its last checkpoint.

    Raises
    ------
    RunError
        If the folder is no run.
    """
    folder = RunFolder(run)
    config = read_config(folder.config)
    ledger = Ledger(read_events(folder.events))
    standing = standing_of(run, recall(str(run)))
    steps = folder.steps(folder.checkpoints)
    checkpoint = folder.checkpoint(steps[-1]) if steps else None
    sparse = (
        {choice.name for choice in ledger.started.layers if choice.sparse}
        if ledger.started
        else set()
    )
    layers = _scanned(checkpoint, sparse)
    bad = [layer.bad_groups for layer in layers if layer.bad_groups is not None]
    return Figures(
        run=str(run),
        state=standing.state,
        checkpoint=str(checkpoint or ""),
        best=str(run / ledger.best_saved) if ledger.best_saved else "",
        options=recipe_of(config).options,
        step=max(ledger.step, 0),
        steps=ledger.started.steps if ledger.started else 0,
        pattern=config.pattern,
        layers=tuple(
            LayerFigures(name, layer.entries, layer.sad or 0)
            for name, layer in ledger.layers.items()
        ),
        exponent=ledger.exponent,
        bad_groups=sum(bad) if bad else None,
        eligible=sum(_takes(layer) for layer in layers) if config.pattern == "2:4" else 0,
        zero_units=sum(layer.zero_rows or 0 for layer in layers),
        metric=ledger.metric,
        best_metric=ledger.best,
        virtual=ledger.virtual,
    )


def _scanned(checkpoint: Path | None, names: set[str]) -> list[LayerReport]:
    """Scan the sparse layers of a checkpoint; one that cannot be read says nothing."""
    if checkpoint is None:
        return []
    try:
        return [layer for layer in scan(checkpoint).layers if layer.name in names]
    except SparseError:
        return []


def _takes(layer: LayerReport) -> bool:
    kind = Kind(layer.kind, layer.input_dim, known=layer.kind_known)
    return any(kernel.eligible for kernel in eligible(layer.shape, LOW, kind))
