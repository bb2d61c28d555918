"""Export a network without the units that make no difference."""

import json

import torch
from torch import nn

from sparse_core.checkpoints import own
from sparse_core.errors import RunError
from sparse_core.inference.compaction import Compacted, compact
from sparse_core.training.export import Exported
from sparse_core.training.forms import fill
from sparse_core.training.layers import load_plain, plain_state
from sparse_core.training.registry import find_task
from sparse_core.training.subject import Where, resolve
from sparse_core.training.task import Task

COMPACTED = "sparsescope.compacted"
"""Metadata of a compacted file: original shapes by layer, as JSON."""
TOLERANCE = 1e-4
"""Largest difference of an output, relative to the largest output, that rounding may make."""
PROBES = 64


def make_smaller(exported: Exported, where: Where) -> tuple[Exported, str]:
    """Compact an export.

    Parameters
    ----------
    exported : Exported
    where : Where
        Whose network it is.

    Returns
    -------
    Exported, str
        The smaller weights, and what was done, a line a layer.

    Raises
    ------
    RunError
        If the weights do not fit the task's network, or outputs differ.
    """
    _, name, options = resolve(where)
    task_class = find_task(name)
    task = task_class(fill(task_class.Options, options, name))
    model = task.model().eval()
    load_plain(model, exported.state, str(exported.sources[-1]))
    compacted = compact(model)
    _check(task, model, compacted.model)
    shapes = {layer.name: layer.before for layer in compacted.layers}
    words = {key: text for key, text in exported.words.items() if key in (own.METHOD, own.STEP)} | {
        COMPACTED: json.dumps(shapes)
    }
    state = dict(plain_state(compacted.model))
    return Exported(state, words, exported.sources, ()), describe(compacted)


def describe(compacted: Compacted) -> str:
    """Write what became of every layer, for people."""
    lines = []
    for layer in compacted.layers:
        before, after = (" x ".join(map(str, shape)) for shape in (layer.before, layer.after))
        parts = [
            f"{count} {what}"
            for count, what in (
                (layer.exact, "removed exactly"),
                (layer.folded, "after folding"),
                (layer.heads, "heads removed"),
                (layer.kept, f"zero but not removable: {layer.why}"),
            )
            if count
        ]
        lines.append(f"  {layer.name}: {before} -> {after}  {', '.join(parts)}".rstrip())
    return "\n".join(lines)


def _check(task: Task, model: nn.Module, smaller: nn.Module) -> None:
    """Compare both networks on real inputs."""
    inputs = task.data().valid.inputs[:PROBES]
    with torch.no_grad():
        wanted, found = task.outputs(model, inputs), task.outputs(smaller, inputs)
    error = float((wanted - found).abs().max()) / max(float(wanted.abs().max()), 1e-30)
    if not error <= TOLERANCE:
        raise RunError(f"The compacted network gives other outputs (by {error:.2g}); not written.")
