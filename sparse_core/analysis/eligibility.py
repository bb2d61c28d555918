"""Whether the 2:4 kernels of NVIDIA GPUs take a weight, and if not, why.

The one place that knows the shape and format rules of PyTorch's two 2:4 paths. A yes says that
the weight has the right shape and format; whether its pattern holds, whether it is packed and
whether a kernel wins are questions of their own.
"""

import msgspec

from sparse_core.analysis.kinds import Kind, Shape
from sparse_core.dtypes import DType
from sparse_core.messages import Eligibility


class KernelRule(msgspec.Struct, frozen=True):
    """What one kernel library asks of a weight of one format.

    Attributes
    ----------
    rows, columns : int
        The weight ``(out, in)`` must have multiples of these.
    refusal : str
        Why the format is never taken for 2:4; empty where it is.
    """

    rows: int
    columns: int
    refusal: str = ""


_HALF_ONLY_1_IN_2 = "CUTLASS packs fp32 as 1:2 only: a 2:4 weight would lose values"

RULES: dict[str, dict[str, KernelRule]] = {
    "CUTLASS": {
        "float16": KernelRule(32, 64),
        "bfloat16": KernelRule(32, 64),
        "int8": KernelRule(16, 128),
        "float32": KernelRule(32, 32, _HALF_ONLY_1_IN_2),
    },
    "cuSPARSELt": {
        "float16": KernelRule(16, 16),
        "bfloat16": KernelRule(16, 16),
        "int8": KernelRule(32, 32),
        "float8_e4m3fn": KernelRule(32, 32),
    },
}
"""Kernel -> format -> rule, as PyTorch 2.13 has them. CUTLASS runs on compute capability 8.x."""


def eligible(shape: Shape, dtype: DType, kind: Kind) -> tuple[Eligibility, ...]:
    """Ask every 2:4 kernel about a weight.

    Parameters
    ----------
    shape : tuple of int
        Shape as stored; ``kind.input_dim`` says which side is the input.
    dtype : DType
    kind : Kind

    Returns
    -------
    tuple of Eligibility
        One a kernel, in a fixed order; empty for what is no weight.
    """
    if kind.name not in ("linear", "conv", "experts"):
        return ()
    return tuple(_ask(kernel, shape, dtype, kind) for kernel in RULES)


def _ask(kernel: str, shape: Shape, dtype: DType, kind: Kind) -> Eligibility:
    """Ask one kernel."""
    reason = _refusal(kernel, shape, dtype, kind)
    return Eligibility(kernel, not reason, reason)


def _refusal(kernel: str, shape: Shape, dtype: DType, kind: Kind) -> str:
    """Say why a kernel does not take a weight; empty where it does."""
    if kind.name == "conv":
        return "2:4 kernels multiply matrices: there is none for convolutions"
    if kind.name == "experts" or len(shape) != 2:
        return "2:4 kernels take one matrix, and this tensor holds several experts"
    rule = RULES[kernel].get(dtype.name)
    if rule is None:
        return f"{kernel} has no 2:4 kernel for {dtype.short}"
    if rule.refusal:
        return rule.refusal
    rows, columns = shape if kind.input_dim == 1 else shape[::-1]
    if rows == 0 or columns == 0:
        return "the weight is empty"
    if rows % rule.rows:
        return f"{rows} output rows are not a multiple of {rule.rows}"
    if columns % rule.columns:
        return f"{columns} input columns are not a multiple of {rule.columns}"
    return ""
