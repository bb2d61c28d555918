"""Our own N:M product for the CPU: fp32, any N:M, linear layers and convolutions.

The kernel is ``sparse_core/native/nm_product.cpp``. Small batches run on *lanes* (eight rows side
by side; reading W is what costs), large ones and convolutions on *tiles* of 64 batch columns or
output pixels. Packing the activations is part of every run.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sparse_core.inference.backend import YES, Prepared, Support
from sparse_core.inference.layer import Convolution, SparseLayer
from sparse_core.inference.whole_groups import refuse_broken
from sparse_core.native import product

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

LANES_BATCH = 16
"""Up to this batch the lanes are faster (measured: 2:4 to 1:16 at 4096 x 4096)."""
BLOCK = 128
"""Inputs a tile block: 128 x 64 floats fill the first-level cache."""


@dataclass(frozen=True)
class _Lanes:
    values: Floats
    positions: Bytes
    rows: int
    inputs: int
    m: int
    bias: Tensor | None
    threads: int

    @property
    def nbytes(self) -> int:
        return self.values.nbytes + self.positions.nbytes

    def run(self, x: Tensor) -> Tensor:
        padded = np.zeros((len(x), self.inputs + product.SLACK), np.float32)
        padded[:, : self.inputs] = x.detach().numpy()
        y = np.empty((len(x), self.rows), np.float32)
        product.multiply_lanes(
            self.values, self.positions, padded, y, m=self.m, threads=self.threads
        )
        out = torch.from_numpy(y)
        return out if self.bias is None else out.add_(self.bias)


@dataclass(frozen=True)
class _Tiles:
    values: Floats
    offsets: Bytes
    block: int
    inputs: int
    bias: Tensor | None
    threads: int

    @property
    def nbytes(self) -> int:
        return self.values.nbytes + self.offsets.nbytes

    @property
    def rows(self) -> int:
        return int(self.values.shape[1])

    def empty_tile(self) -> Floats:
        blocks = self.values.shape[0]
        return np.zeros((blocks * self.block + product.SLACK, product.TILE), np.float32)

    def multiply(self, packed: Floats, y: Floats) -> None:
        product.multiply_tiles(
            self.values, self.offsets, packed, y, block=self.block, threads=self.threads
        )

    def run(self, x: Tensor) -> Tensor:
        activations = np.ascontiguousarray(x.detach().numpy())
        bias = None if self.bias is None else self.bias.numpy()
        out = np.empty((len(x), self.rows), np.float32)
        packed, y = self.empty_tile(), np.empty((self.rows, product.TILE), np.float32)
        for first in range(0, len(x), product.TILE):
            product.pack_tile(activations, first, packed)
            self.multiply(packed, y)
            product.unpack_tile(y, bias, first, out)
        return torch.from_numpy(out)


@dataclass(frozen=True)
class _ConvolutionTiles:
    tiles: _Tiles
    kernel: tuple[int, int]
    convolution: Convolution

    @property
    def nbytes(self) -> int:
        return self.tiles.nbytes

    def _shape(self, x: Tensor) -> tuple[int, ...]:
        conv = self.convolution
        sizes = zip(x.shape[2:], self.kernel, conv.stride, conv.padding, conv.dilation, strict=True)
        out = [(s + 2 * p - d * (k - 1) - 1) // t + 1 for s, k, t, p, d in sizes]
        return (*x.shape[1:], *self.kernel, *conv.stride, *conv.padding, *conv.dilation, *out)

    def run(self, x: Tensor) -> Tensor:
        shape = self._shape(x)
        height, width = shape[-2:]
        pixels = height * width
        out = np.empty((len(x), self.tiles.rows, pixels), np.float32)
        packed = self.tiles.empty_tile()
        y = np.empty((self.tiles.rows, product.TILE), np.float32)
        for image, result in zip(np.ascontiguousarray(x.detach().numpy()), out, strict=True):
            for first in range(0, pixels, product.TILE):
                product.image_tile(image, shape, first, packed)
                self.tiles.multiply(packed, y)
                last = min(first + product.TILE, pixels)
                result[:, first:last] = y[:, : last - first]
        whole = torch.from_numpy(out).reshape(len(x), -1, height, width)
        bias = self.tiles.bias
        return whole if bias is None else whole.add_(bias.reshape(1, -1, 1, 1))


class NMNative:
    """Our own SIMD product on the CPU."""

    name = "nm_native"

    def supports(self, layer: SparseLayer, device: str, batch: int) -> Support:
        """Yes for fp32 weights with a pattern on a CPU where the extension is built."""
        del batch
        if device != "cpu":
            return Support("runs on the CPU only")
        if product.unavailable():
            return Support(product.unavailable())
        if layer.pattern is None:
            return Support("the weight has no N:M pattern")
        if layer.weight.dtype != torch.float32:
            return Support(f"computes in fp32 only, not {layer.weight.dtype}")
        if layer.convolution is not None and layer.convolution.groups > 1:
            return Support("no grouped convolutions")
        return YES

    def prepare(self, layer: SparseLayer, device: str, batch: int, threads: int) -> Prepared:
        """Pack the weight for this batch."""
        del device
        pattern = layer.pattern
        assert pattern is not None
        refuse_broken(layer, pattern)
        bias = None if layer.bias is None else layer.bias.detach()
        weight = layer.weight.detach()
        if layer.convolution is not None:
            # Groups along the input channels lie side by side in (out, height, width, in).
            matrix = weight.permute(0, 2, 3, 1).reshape(len(weight), -1).numpy()
            kernel = (int(weight.shape[2]), int(weight.shape[3]))
            return _ConvolutionTiles(_tiles(matrix, bias, threads), kernel, layer.convolution)
        matrix = weight.contiguous().numpy()
        grouped = pattern.axis == "in" and matrix.shape[1] % pattern.m == 0
        if grouped and batch <= LANES_BATCH:
            return _lanes(matrix, pattern.n, pattern.m, bias, threads)
        return _tiles(matrix, bias, threads)


def _lanes(matrix: Floats, n: int, m: int, bias: Tensor | None, threads: int) -> _Lanes:
    """Put eight rows side by side: ``(row_blocks, groups, n, 8)``."""
    rows, inputs = matrix.shape
    blocks = -(-rows // product.LANES)
    padded = np.zeros((blocks * product.LANES, inputs), np.float32)
    padded[:rows] = matrix
    groups = padded.reshape(blocks, product.LANES, inputs // m, m)
    chosen = np.argsort(groups == 0, axis=3, kind="stable")[..., :n]
    values = np.take_along_axis(groups, chosen, axis=3)
    return _Lanes(
        np.ascontiguousarray(values.transpose(0, 2, 3, 1)),
        np.ascontiguousarray(chosen.transpose(0, 2, 3, 1).astype(np.uint8)),
        rows,
        inputs,
        m,
        bias,
        threads,
    )


def _tiles(matrix: Floats, bias: Tensor | None, threads: int) -> _Tiles:
    """Cut the inputs into blocks; every row keeps as many places a block as the fullest needs."""
    rows, inputs = matrix.shape
    blocks = -(-inputs // BLOCK)
    padded = np.zeros((rows, blocks * BLOCK), np.float32)
    padded[:, :inputs] = matrix
    parts = np.ascontiguousarray(padded.reshape(rows, blocks, BLOCK).transpose(1, 0, 2))
    count = max(1, int(np.count_nonzero(parts, axis=2).max(initial=0)))
    chosen = np.argsort(parts == 0, axis=2, kind="stable")[..., :count]
    values = np.take_along_axis(parts, chosen, axis=2)
    return _Tiles(
        np.ascontiguousarray(values),
        np.ascontiguousarray(chosen.astype(np.uint8)),
        BLOCK,
        inputs,
        bias,
        threads,
    )
