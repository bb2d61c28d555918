"""How a tensor's dimensions map to outputs, inputs and kernel positions.

The *memory view* of a tensor is a matrix: rows are dimension 0 (experts: dimensions 0 and 1
together), columns the rest in memory order; a tensor below two dimensions is one row. Masks and
pictures use it. The *GEMM view* has a row for each output unit. Both are only ways of counting;
nothing is moved.
"""

from math import prod

import msgspec

from sparse_core.errors import PatternError
from sparse_core.patterns import Axis, NMPattern


class Run(msgspec.Struct, frozen=True):
    """Where the groups of one axis lie in memory.

    The tensor's elements in memory order are read as ``(outer, length, inner)``; groups run
    along the middle dimension, from the start of each run; a tail that fills no group is in none.
    """

    outer: int
    length: int
    inner: int

    def groups(self, m: int) -> int:
        """Count the whole groups of ``m``."""
        return self.outer * (self.length // m) * self.inner


class Layout(msgspec.Struct, frozen=True):
    """The meaning of a tensor's dimensions.

    Attributes
    ----------
    shape : tuple of int
        The tensor's own shape.
    kind : str
        What the weight is for, see ``layout_of``.
    rows, columns : int
        Size of the memory view.
    stacks : int
        Number of matrices that lie one after the other along the rows: experts, else 1.
    outputs, inputs, kernel : int
        Output units (of all stacks), input features or channels, positions of a kernel.
        ``outputs * inputs * kernel`` is the number of elements.
    input_dim, output_dim : int or None
        The dimensions that hold inputs and outputs; None below two dimensions.
    """

    shape: tuple[int, ...]
    kind: str
    rows: int
    columns: int
    stacks: int
    outputs: int
    inputs: int
    kernel: int
    input_dim: int | None
    output_dim: int | None

    @property
    def elements(self) -> int:
        """Number of weights."""
        return self.rows * self.columns

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes whose groups differ: ``kernel`` only where a kernel has several positions."""
        if self.input_dim is None:
            return ()
        return ("in", "kernel", "out") if self.kernel > 1 else ("in", "out")

    def position(self, flat_index: int) -> tuple[int, int]:
        """Give row and column of an element of the flat tensor."""
        return divmod(flat_index, self.columns)

    def flat_index(self, row: int, column: int) -> int:
        """Give the place of a row and column in the flat tensor."""
        return row * self.columns + column

    def run(self, axis: Axis) -> Run | None:
        """Say where groups along an axis lie; None below two dimensions, which have no groups."""
        if self.input_dim is None or self.output_dim is None:
            return None
        if axis == "kernel":
            return Run(self.rows, self.columns, 1)
        dim = self.input_dim if axis == "in" else self.output_dim
        return Run(prod(self.shape[:dim]), self.shape[dim], prod(self.shape[dim + 1 :]))

    def group_count(self, pattern: NMPattern) -> int:
        """Count the whole groups of a pattern."""
        run = self.run(pattern.axis)
        return run.groups(pattern.m) if run else 0


def _output_dim(dimensions: int, input_dim: int, experts: bool) -> int:
    """Say which dimension holds the outputs when ``input_dim`` holds the inputs."""
    if experts:
        return 3 - input_dim
    if input_dim == 0:
        return 1
    # JAX convolutions are (height, width, in, out).
    if input_dim >= 2 and input_dim == dimensions - 2:
        return dimensions - 1
    return 0


def layout_of(shape: tuple[int, ...], kind: str, input_dim: int | None = None) -> Layout:
    """Lay out a tensor.

    Parameters
    ----------
    shape : tuple of int
        The tensor's shape.
    kind : str
        linear, conv, experts, embedding, norm, bias, buffer, recurrent, quantised or other.
        Only experts, ``(E, out, in)``, are laid out differently.
    input_dim : int, optional
        The dimension that holds the inputs. By default 1, and 2 for experts; 0 for what is
        stored (in, out) and for transposed convolutions (in, out, ...).

    Raises
    ------
    PatternError
        If the shape has no such dimension.
    """
    if len(shape) < 2:
        size = prod(shape)
        return Layout(shape, kind, 1, size, 1, 1, size, 1, None, None)
    experts = kind == "experts" and len(shape) == 3
    if input_dim is None:
        input_dim = 2 if experts else 1
    if not int(experts) <= input_dim < len(shape):
        raise PatternError(
            f"Dimension {input_dim} cannot hold the inputs of a {kind} weight of shape "
            f"{tuple(shape)}: choose {int(experts)} to {len(shape) - 1}."
        )
    output_dim = _output_dim(len(shape), input_dim, experts)
    stacks = shape[0] if experts else 1
    outputs, inputs = stacks * shape[output_dim], shape[input_dim]
    used = {input_dim, output_dim} | ({0} if experts else set())
    kernel = prod(size for dim, size in enumerate(shape) if dim not in used)
    rows = shape[0] * shape[1] if experts else shape[0]
    columns = prod(shape[2:] if experts else shape[1:])
    return Layout(
        tuple(shape), kind, rows, columns, stacks, outputs, inputs, kernel, input_dim, output_dim
    )
