"""Which checkpoints stay."""

from sparse_core.runs.atomic import remove_partials
from sparse_core.runs.folder import RunFolder


def remove_old(folder: RunFolder, keep: int, best_step: int | None) -> list[str]:
    """Keep the last checkpoints, the best and the first; states only with the last.

    Parameters
    ----------
    folder : RunFolder
    keep : int
        How many of the last stay.
    best_step : int or None

    Returns
    -------
    list of str
        The checkpoints removed, relative to the run.
    """
    steps = folder.steps(folder.checkpoints)
    last = set(steps[-keep:])
    removed = []
    for step in steps:
        if step not in last | {0, best_step}:
            path = folder.checkpoint(step)
            folder.remove(path)
            removed.append(str(path.relative_to(folder.root)))
    for step in folder.steps(folder.state):
        if step not in last:
            folder.remove(folder.state_of(step))
    for part in (folder.checkpoints, folder.state, folder.masks):
        remove_partials(part)
    return removed
