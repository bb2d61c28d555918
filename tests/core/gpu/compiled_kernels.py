"""Run by the tests: compile every cut that is shipped for one target, without a device.

``compiled_kernels.py TARGET FOLDER`` writes ``NAME.cubin`` files and prints a line
``NAME SHARED_BYTES`` for each.
"""

import sys
from pathlib import Path

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from sparse_core.inference.nm_slots import Blocks, dot_blocks, gather_blocks, span_of
from sparse_core.inference.triton_kernels import nm_dot, nm_gather
from sparse_core.patterns import NMPattern

ARRAYS = ("values_ptr", "positions_ptr", "x_ptr", "bias_ptr", "y_ptr")
SIZES = ("rows", "groups", "inputs", "batch")


def compiled(name: str, target: int, dtype: str, pattern: NMPattern, blocks: Blocks) -> object:
    """Compile one kernel with one cut."""
    kernel = {"nm_gather": nm_gather, "nm_dot": nm_dot}[name]
    width = 1 << ((pattern.m - 1).bit_length() - 1).bit_length()
    fixed = {
        "n": pattern.n, "m": pattern.m, "width": width, "has_bias": True,
        "block_rows": blocks.rows, "block_groups": blocks.groups, "block_batch": blocks.batch,
    }  # fmt: skip
    if name == "nm_dot":
        fixed |= {"span": span_of(pattern), "upcast": False}
    signature = dict.fromkeys(ARRAYS, f"*{dtype}") | {"positions_ptr": "*u8"}
    signature |= dict.fromkeys(SIZES, "i32") | dict.fromkeys(fixed, "constexpr")
    source = ASTSource(
        fn=kernel,
        signature=signature,
        constexprs=fixed,
        attrs={(at,): [["tt.divisibility", 16]] for at in range(len(ARRAYS))},
    )
    options = {"num_warps": blocks.warps, "num_stages": blocks.stages}
    return triton.compile(source, target=GPUTarget("cuda", target, 32), options=options)


def wanted() -> list[tuple[str, str, NMPattern, Blocks]]:
    """List the cuts of 2:4 at the largest batches, and some of other patterns and formats."""
    two_four, one_sixteen, odd = (NMPattern.parse(text) for text in ("2:4", "1:16", "3:5"))
    gather = [one for batch in (1, 4) for one in gather_blocks(batch)]
    dot = dot_blocks(two_four, 64)
    found = [("nm_gather", "fp16", two_four, one) for one in gather]
    found += [("nm_dot", "fp16", two_four, one) for one in dot]
    found.append(("nm_gather", "fp32", odd, gather_blocks(2)[0]))
    found.append(("nm_dot", "bf16", one_sixteen, dot_blocks(one_sixteen, 8)[-1]))
    return found


def main(target: int, folder: Path) -> int:
    """Compile, write, print."""
    for at, (name, dtype, pattern, blocks) in enumerate(wanted()):
        kernel = compiled(name, target, dtype, pattern, blocks)
        stem = f"{name}-{dtype}-{pattern.n}-{pattern.m}-{at}"
        (folder / f"{stem}.cubin").write_bytes(kernel.asm["cubin"])
        sys.stdout.write(f"{stem} {kernel.metadata.shared}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Path(sys.argv[2])))
