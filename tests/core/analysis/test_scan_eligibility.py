"""The shape and format rules of the 2:4 kernels."""

import pytest

from sparse_core.analysis.eligibility import eligible
from sparse_core.analysis.kinds import Kind
from sparse_core.dtypes import DTYPES

LINEAR = Kind("linear", 1)


def answers(shape: tuple[int, ...], dtype: str, kind: Kind = LINEAR) -> dict[str, str]:
    """Kernel -> reason; an empty reason is a yes."""
    given = eligible(shape, DTYPES[dtype], kind)
    assert all(one.eligible is not bool(one.reason) for one in given)
    return {one.kernel: one.reason for one in given}


@pytest.mark.parametrize(
    ("dtype", "shape", "cutlass", "cusparselt"),
    [
        ("bfloat16", (32, 64), True, True),
        ("float16", (16, 64), False, True),
        ("bfloat16", (32, 32), False, True),
        ("bfloat16", (16, 16), False, True),
        ("bfloat16", (8, 64), False, False),
        ("bfloat16", (64, 8), False, False),
        ("int8", (16, 128), True, False),
        ("int8", (32, 128), True, True),
        ("int8", (32, 32), False, True),
        ("float8_e4m3fn", (32, 32), False, True),
        ("float8_e5m2", (32, 128), False, False),
        ("float32", (64, 64), False, False),
        ("float64", (64, 64), False, False),
        ("bfloat16", (0, 64), False, False),
    ],
)
def test_shapes_and_formats(
    dtype: str, shape: tuple[int, int], cutlass: bool, cusparselt: bool
) -> None:
    given = answers(shape, dtype)
    assert (given["CUTLASS"] == "", given["cuSPARSELt"] == "") == (cutlass, cusparselt)


def test_inputs_first_turns_the_rule() -> None:
    assert answers((64, 32), "bfloat16", Kind("linear", 0))["CUTLASS"] == ""
    assert "columns" in answers((32, 64), "bfloat16", Kind("linear", 0))["CUTLASS"]


def test_reasons_name_the_figure_that_does_not_fit() -> None:
    given = answers((1000, 2049), "float16")
    assert given["CUTLASS"] == "1000 output rows are not a multiple of 32"
    assert given["cuSPARSELt"] == "1000 output rows are not a multiple of 16"
    assert "1:2" in answers((64, 64), "float32")["CUTLASS"]


def test_what_is_no_matrix_is_refused_and_what_is_no_weight_is_not_asked() -> None:
    assert "convolutions" in answers((64, 64, 3, 3), "float16", Kind("conv", 1))["CUTLASS"]
    assert "experts" in answers((8, 64, 64), "float16", Kind("experts", 2))["cuSPARSELt"]
    assert answers((64,), "float16", Kind("bias")) == {}
