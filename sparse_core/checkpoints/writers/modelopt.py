"""NVIDIA Model-Optimizer: a boolean buffer ``X._weight_mask``, applied only on export."""

from sparse_core.checkpoints.writers.desk import Desk
from sparse_core.checkpoints.writers.masked import masked_row

WRITER = "NVIDIA Model-Optimizer"


def fold(desk: Desk) -> None:
    """Fold each mask into its weight; a weight without one has no zeros to keep."""
    for ending in [one for one in desk.suffixes if _is_mask(one)]:
        parameter = ending.removeprefix("_").removesuffix("_mask")
        for prefix in desk.named(ending):
            weight = f"{prefix}{parameter}"
            row = masked_row(desk, weight, weight, f"{prefix}{ending}")
            if row is not None:
                desk.fold(row, WRITER)
    if "modelopt_state" in desk.findings.words or desk.beside.modelopt:
        desk.sign(WRITER)


def _is_mask(ending: str) -> bool:
    # prune's weight_mask has no underscore before it, ASP's has two.
    return ending.startswith("_") and not ending.startswith("__") and ending.endswith("_mask")
