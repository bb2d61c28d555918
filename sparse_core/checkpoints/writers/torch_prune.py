"""``torch.nn.utils.prune``: ``X.weight_orig`` and ``X.weight_mask``, and no ``X.weight``."""

from sparse_core.checkpoints.writers.desk import Desk
from sparse_core.checkpoints.writers.masked import masked_row

WRITER = "torch.nn.utils.prune"


def fold(desk: Desk) -> None:
    """Fold each pair into ``X.weight``; the zeros are only in the product of the two."""
    for ending in [suffix for suffix in desk.suffixes if suffix.endswith("_orig")]:
        parameter = ending.removesuffix("_orig")
        for prefix in desk.named(ending):
            weight, mask = f"{prefix}{ending}", f"{prefix}{parameter}_mask"
            row = masked_row(desk, f"{prefix}{parameter}", weight, mask)
            if row is not None:
                desk.fold(row, WRITER)
