"""Make a smaller dense network that gives the same outputs: zero units are taken away for good.

A zero filter does not make its channel zero: a bias, and BatchNorm behind it, turn it into a
constant. So constants are followed through the network. A unit (a hidden feature, a channel, an
attention head) is taken away

- *exactly*, if nobody uses it, or it is 0 for every input;
- *after folding*, if it is another constant: what it adds goes into the biases of those that use
  it, which is exact but where a convolution pads with zeros around that constant;
- *not at all*, if somebody needs it: a shortcut, a norm over all features, the output.

>>> compacted = compact(model)          # doctest: +SKIP
>>> compacted.model(images)             # the same outputs, to rounding  # doctest: +SKIP
"""

from sparse_core.inference.compaction.compact import Compacted, LayerCompaction, compact
from sparse_core.inference.compaction.gathered import Gathered
from sparse_core.inference.compaction.refit import refit

__all__ = ["Compacted", "Gathered", "LayerCompaction", "compact", "refit"]
