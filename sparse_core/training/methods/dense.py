"""Dense training, with the masks it would have.

Nothing is pruned. With a pattern, the top-|w| masks are computed and watched as if they were
applied (``virtual``): the churn that any training has, against which STE and SR-STE are read
(Hu et al., ICML 2024, use the ratio of the two flip rates).
"""

from torch import Tensor

from sparse_core.training.layers import SparseLayer
from sparse_core.training.method import Method
from sparse_core.training.projection import nm_mask


class Dense(Method):
    """Change nothing; the masks are only looked at."""

    name = "dense"
    shards = True
    virtual = True

    def mask(self, layer: SparseLayer) -> Tensor:
        """Project the weight without applying it."""
        return nm_mask(layer.whole(), layer.layout, layer.pattern_or_raise())
