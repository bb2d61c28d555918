"""apex ASP: a boolean buffer ``X.__weight_mma_mask`` beside ``X.weight``, already applied."""

from sparse_core.checkpoints.writers.desk import Desk
from sparse_core.checkpoints.writers.masked import masked_row

WRITER = "apex ASP"
_ENDING = "_mma_mask"


def fold(desk: Desk) -> None:
    """Fold mask and pruned values (``__weight_mma_pruned_p``) into the weight."""
    for ending in [one for one in desk.suffixes if one.startswith("__") and one.endswith(_ENDING)]:
        parameter = ending.removeprefix("__").removesuffix(_ENDING)
        for prefix in desk.named(ending):
            weight = f"{prefix}{parameter}"
            pruned = f"{prefix}__{parameter}_mma_pruned_p"
            row = masked_row(desk, weight, weight, f"{prefix}{ending}", pruned)
            if row is not None:
                desk.fold(row, WRITER)
