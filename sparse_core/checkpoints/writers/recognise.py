"""Every writer's rule in turn, the most specific marks first."""

from collections.abc import Callable

from sparse_core.checkpoints.arrays import Source
from sparse_core.checkpoints.beside import Beside
from sparse_core.checkpoints.rows import Row
from sparse_core.checkpoints.tree import Findings, Model
from sparse_core.checkpoints.writers import (
    apex_asp,
    compressed_tensors,
    latent,
    mask_buffers,
    modelopt,
    parametrized,
    recipes,
    saved_nm,
    semi_structured,
    torch_prune,
)
from sparse_core.checkpoints.writers.desk import Desk, Recognition

_RULES: tuple[Callable[[Desk], None], ...] = (
    apex_asp.fold,
    torch_prune.fold,
    parametrized.fold,
    modelopt.fold,
    mask_buffers.fold_mask_llm,
    compressed_tensors.fold_bitmasks,
    compressed_tensors.fold_quantised,
    semi_structured.fold,
    saved_nm.fold,
    latent.fold_lbc,
    latent.fold_supermask,
    mask_buffers.fold_sparseml,
    mask_buffers.fold_praxis,
    mask_buffers.name_packed_masks,
    mask_buffers.fold_plain_masks,
    mask_buffers.fold_mask_tables,
    latent.fold_s_ste,
    latent.name_scripts,
    recipes.name_recipes,
)


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
    plain = (
        Row(name=name, weights=leaf) for name, leaf in desk.left.items() if isinstance(leaf, Source)
    )
    rows = (*desk.rows, *plain)
    return Recognition(
        rows=rows,
        writer=", ".join(desk.writers),
        notes=tuple(desk.notes),
        folded=len(model.tensors) - len(rows),
    )
