"""Every writer's rule in turn, the most specific marks first."""

from collections.abc import Callable

from sparse_core.checkpoints.arrays import Source
from sparse_core.checkpoints.beside import Beside
from sparse_core.checkpoints.rows import Row
from sparse_core.checkpoints.tree import Findings, Model
from sparse_core.checkpoints.writers.desk import Desk, Recognition

_RULES: tuple[Callable[[Desk], None], ...] = ()


def recognise(model: Model, findings: Findings, beside: Beside) -> Recognition:
    """Fold the tensors of a model into rows.

    Parameters
    ----------
    model : Model
        The tensors under the file's own names.
    findings : Findings
        What else the file holds.
    beside : Beside
        What lies beside the file.
    """
    desk = Desk(model, findings, beside)
    for rule in _RULES:
        rule(desk)
    rows = [*desk.rows]
    rows.extend(
        Row(name=name, weights=leaf) for name, leaf in desk.left.items() if isinstance(leaf, Source)
    )
    return Recognition(
        rows=tuple(rows),
        writer=", ".join(desk.writers),
        notes=tuple(desk.notes),
        folded=len(model.tensors) - len(rows),
    )
