"""The whole 2:4 path on CPU stand-ins: probe, packing, padding, search, product."""

import pytest
import torch
from torch import nn

from sparse_core.errors import PatternError, SparseError
from sparse_core.inference import algorithm, two_four
from sparse_core.inference.algorithm import Algorithm
from sparse_core.inference.backends import BY_NAME
from sparse_core.inference.layer import Convolution, SparseLayer, apply_dense
from sparse_core.inference.plan import Choice, Plan, apply
from sparse_core.patterns import NMPattern

BACKEND = BY_NAME["semi_structured"]


def layer_of(
    rows: int, columns: int, dtype: torch.dtype = torch.float16, *, bias: bool = True, seed: int = 0
) -> SparseLayer:
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(rows, columns, generator=generator)
    pattern = two_four.pattern_for(dtype)
    whole = columns // pattern.m * pattern.m
    groups = weight[:, :whole].reshape(rows, -1, pattern.m)
    drop = groups.abs().argsort(dim=2)[..., : pattern.m - pattern.n]
    weight[:, :whole] = groups.scatter(2, drop, 0.0).reshape(rows, whole)
    weight[:, whole:][:, pattern.n :] = 0
    bound = torch.randn(rows, generator=generator) if bias else None
    return SparseLayer("fc", weight.to(dtype), bound if bound is None else bound.to(dtype), pattern)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("shape", [(128, 128), (96, 192), (33, 70), (5, 18)])
@pytest.mark.parametrize("bias", [True, False])
def test_the_whole_path_gives_the_product(stand_ins, dtype, shape, bias):
    layer = layer_of(*shape, dtype, bias=bias)
    support = BACKEND.supports(layer, "cpu", 7)
    assert support, support.reason
    prepared = BACKEND.prepare(layer, "cpu", 7, 1)
    for batch in (1, 7, 8):
        x = layer.inputs(batch, seed=1)
        exact = apply_dense(layer, layer.weight, layer.bias, x)
        found = prepared.run(x)
        assert found.dtype == dtype
        assert found.is_contiguous()
        torch.testing.assert_close(found, exact, rtol=2e-2, atol=2e-2)
    assert prepared.run(layer.inputs(0)).shape == (0, shape[0])
    assert two_four.SIDES["CUTLASS"][dtype][1] > 0


def test_a_whole_size_is_nine_sixteenths(stand_ins):
    layer = layer_of(128, 128)
    assert BACKEND.prepare(layer, "cpu", 8, 1).nbytes == layer.weight.nbytes * 9 // 16


def test_the_fastest_right_algorithm_is_found_once(stand_ins):
    stand_ins.refused = {"CUTLASS"}
    layer = layer_of(64, 64)
    first = BACKEND.prepare(layer, "cpu", 20, 1)
    assert first.algorithm == Algorithm("cuSPARSELt", 3)
    tried = {number for _, number in stand_ins.calls}
    assert tried == set(range(stand_ins.algorithms + algorithm.PATIENCE))
    stand_ins.calls.clear()
    assert BACKEND.prepare(layer, "cpu", 30, 1).algorithm == first.algorithm
    assert stand_ins.calls == []
    BACKEND.prepare(layer, "cpu", 40, 1)
    assert stand_ins.calls


def test_a_library_that_left_is_searched_again(stand_ins):
    layer = layer_of(64, 64)
    stand_ins.fast = set()
    assert BACKEND.prepare(layer, "cpu", 8, 1).algorithm.library == "CUTLASS"
    two_four.probe.cache_clear()
    stand_ins.refused = {"CUTLASS"}
    assert BACKEND.prepare(layer, "cpu", 8, 1).algorithm.library == "cuSPARSELt"


def test_a_damaged_entry_is_searched_again(stand_ins):
    layer = layer_of(64, 64)
    problem = algorithm.problem_of(layer.weight, 8, "cpu", ("cuSPARSELt", "CUTLASS"))
    chosen = BACKEND.prepare(layer, "cpu", 8, 1).algorithm
    assert algorithm.known(problem) == chosen
    algorithm.cache.entry(problem.key(), algorithm.SUFFIX).write_bytes(b"{")
    assert algorithm.known(problem) is None
    assert BACKEND.prepare(layer, "cpu", 8, 1).algorithm == chosen


def test_known_numbers_are_believed(monkeypatch):
    monkeypatch.setattr(torch.backends.cusparselt, "get_max_alg_id", lambda: 37)
    assert algorithm.numbers_of("cuSPARSELt") == range(37)
    assert list(algorithm.numbers_of("CUTLASS")) == [0]


def test_only_wrong_products_are_an_error(stand_ins):
    layer = layer_of(64, 64)
    assert BACKEND.supports(layer, "cpu", 8)
    stand_ins.refused = {"CUTLASS"}
    stand_ins.wrong = set(range(9))
    with pytest.raises(SparseError, match=r"No 2:4 algorithm.*right product"):
        BACKEND.prepare(layer, "cpu", 8, 1)


@pytest.mark.parametrize("refused", ["cuSPARSELt", "CUTLASS"])
def test_one_library_is_enough(stand_ins, refused):
    stand_ins.refused = {refused}
    layer = layer_of(48, 80)
    assert BACKEND.supports(layer, "cpu", 3)
    assert BACKEND.prepare(layer, "cpu", 3, 1).algorithm.library != refused


def test_without_a_library_both_reasons_are_given(stand_ins):
    stand_ins.refused = {"cuSPARSELt", "CUTLASS"}
    reason = BACKEND.supports(layer_of(64, 64), "cpu", 8).reason
    assert reason == (
        "cuSPARSELt: cuSPARSELt not supported on your machine; "
        "CUTLASS: CUTLASS not supported on your machine"
    )


def test_a_library_that_multiplies_wrongly_is_not_used(stand_ins):
    stand_ins.wrong = {0}
    reasons, libraries = two_four.libraries_for(torch.float16, "cpu")
    assert libraries == ("CUTLASS",)
    assert "is off by" in reasons["cuSPARSELt"]


def broken(weight: torch.Tensor, pattern: NMPattern | None = None) -> SparseLayer:
    return SparseLayer("fc", weight.half(), None, pattern)


def test_a_broken_weight_is_refused_by_its_first_group(stand_ins):
    layer = layer_of(64, 64)
    layer.weight[3, 8:12] = 1
    layer.weight[9, 0:3] = 1
    expected = r"2 groups break 2:4 along in; the first starts at element 200 and holds 4 weights"
    assert BACKEND.supports(layer, "cpu", 8).reason == expected
    with pytest.raises(PatternError, match=f"fc: {expected}"):
        BACKEND.prepare(layer, "cpu", 8, 1)


def test_a_crowded_rest_is_refused(stand_ins):
    layer = layer_of(64, 67)
    layer.weight[5, 64:] = 1
    reason = BACKEND.supports(layer, "cpu", 8).reason
    assert "the last 3 inputs of row 5 hold more than 2" in reason


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (SparseLayer("c", torch.zeros(8, 8, 1, 1), None, None, Convolution()), "no convolution"),
        (SparseLayer("d", torch.zeros(64, 64).double()), "take no torch.float64"),
    ],
)
def test_other_layers_are_refused(stand_ins, layer, reason):
    assert reason in BACKEND.supports(layer, "cpu", 8).reason


@pytest.mark.parametrize("view", ["transposed", "strided"])
def test_weights_and_activations_of_any_stride(stand_ins, view):
    whole = layer_of(64, 128).weight
    weight = whole.t().contiguous().t() if view == "transposed" else whole.repeat(1, 2)[:, :128]
    assert not weight.is_contiguous()
    layer = SparseLayer("fc", weight, None, NMPattern(2, 4))
    assert BACKEND.supports(layer, "cpu", 6)
    prepared = BACKEND.prepare(layer, "cpu", 6, 1)
    x = torch.randn(128, 6).half().t()
    torch.testing.assert_close(prepared.run(x), x @ whole.t(), rtol=2e-2, atol=2e-2)


def test_nan_and_inf_weights_come_through(stand_ins):
    layer = layer_of(64, 64)
    layer.weight[0, :4] = torch.tensor([float("nan"), 0, 1, 0])
    layer.weight[1, :4] = torch.tensor([0, 0, float("-inf"), 0])
    y = BACKEND.prepare(layer, "cpu", 8, 1).run(layer.inputs(8))
    assert y[:, 0].isnan().all()
    assert y[:, 1].isinf().all()
    assert y[:, 2:].isfinite().all()


def test_a_planned_network_is_equal(stand_ins):
    first, second = layer_of(96, 64, seed=1), layer_of(10, 96, seed=2)
    net = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 10)).half().eval()
    with torch.no_grad():
        net[0].weight.copy_(first.weight)
        net[2].weight.copy_(second.weight)
    choices = tuple(Choice(name, "semi_structured", "2:4") for name in ("0", "2"))
    planned = apply(net, Plan("cpu", 12, 1, choices))
    x = torch.randn(3, 4, 64).half()
    with torch.no_grad():
        assert algorithm.differs(planned(x), net(x)) == ""


def test_our_sides_are_torchs():
    classes = {
        "cuSPARSELt": torch.sparse.SparseSemiStructuredTensorCUSPARSELT,
        "CUTLASS": torch.sparse.SparseSemiStructuredTensorCUTLASS,
    }
    for name, sides in two_four.SIDES.items():
        for dtype, (rows, columns) in sides.items():
            theirs = classes[name]._DTYPE_SHAPE_CONSTRAINTS[dtype]
            assert (rows, columns) == (theirs.sparse_min_rows, theirs.sparse_min_cols)
