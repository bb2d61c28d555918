"""The scan of real files: classes, mask rules, siblings, and what it says of each tensor."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sparse_core
from sparse_core.errors import CheckpointError, PatternError, SparseError
from sparse_core.messages import LayerReport, ScanOptions

Write = Callable[..., Path]
Array = np.ndarray[Any, Any]


def weights(*shape: int, seed: int = 0) -> Array:
    """Dense values without a single zero."""
    values = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    return np.where(values == 0, np.float32(1), values)


def pruned(*shape: int, pattern: str = "2:4", seed: int = 0) -> Array:
    values = weights(*shape, seed=seed)
    return values * sparse_core.project(values, pattern)


def scanned(path: Path, **options: Any) -> dict[str, LayerReport]:
    return {one.name: one for one in sparse_core.scan(path, cache=False, **options).layers}


def test_the_four_classes(write: Write) -> None:
    broken = pruned(64, 64, seed=1)
    broken[3, 8:12] = 1.0
    random = weights(64, 64, seed=2)
    random[np.random.default_rng(3).random((64, 64)) < 0.7] = 0
    path = write(
        {
            "a.weight": pruned(64, 64),
            "b.weight": broken,
            "c.weight": random,
            "d.weight": weights(64, 64),
            "d.bias": weights(64),
        }
    )
    found = scanned(path)
    assert [one.class_ for one in found.values()] == [
        "sparse",
        "broken",
        "unstructured",
        "other",
        "dense",
    ]
    valid, bad = found["a.weight"], found["b.weight"]
    assert (valid.pattern, valid.axis, valid.groups, valid.bad_groups) == ("2:4", "in", 1024, 0)
    assert (bad.pattern, bad.axis, bad.groups, bad.bad_groups) == (None, None, 1024, 1)
    assert (bad.meant, bad.meant_axis, bad.meant_by, bad.surplus) == ("2:4", "in", "recognised", 2)
    assert found["c.weight"].bad_groups is None
    assert found["c.weight"].groups is None


def test_a_given_pattern_is_what_every_layer_is_judged_by(write: Write) -> None:
    path = write(
        {"a.weight": pruned(16, 16), "b.weight": weights(16, 16), "c.weight": weights(4, 3)}
    )
    found = scanned(path, pattern="2:4")
    assert [one.class_ for one in found.values()] == ["sparse", "broken", "other"]
    assert (found["b.weight"].pattern, found["b.weight"].bad_groups) == ("2:4", 64)
    assert (found["c.weight"].pattern, found["c.weight"].groups) == (None, None)
    down = scanned(path, pattern="2:4", axis="out")
    assert down["a.weight"].axis == "out"
    assert down["a.weight"].class_ == "broken"
    assert down["c.weight"].groups == 3


def test_an_axis_set_by_name_is_the_only_one_looked_along(write: Write) -> None:
    turned = np.ascontiguousarray(pruned(64, 64).T)
    path = write({"a.weight": turned})
    assert scanned(path)["a.weight"].axis == "out"
    assert scanned(path, axes=(("a*", "in"),))["a.weight"].class_ == "unstructured"
    first = scanned(path, axes=(("a*", "0"),))["a.weight"]
    assert (first.pattern, first.axis, first.input_dim) == ("2:4", "in", 0)


def test_gpt2_is_two_in_four_along_its_inputs(write: Write) -> None:
    path = write(
        {
            "h.0.attn.c_attn.weight": np.ascontiguousarray(pruned(192, 64).T),
            "h.0.mlp.c_proj.weight": np.ascontiguousarray(pruned(64, 256).T),
        }
    )
    for report in scanned(path).values():
        assert (report.pattern, report.axis, report.kind_known) == ("2:4", "in", True)
        assert report.zero_rows == 0


def test_experts_are_judged_each_by_itself(write: Write) -> None:
    stack = np.stack([pruned(32, 64, seed=seed) for seed in range(4)])
    report = scanned(write({"mlp.experts.up": stack}))["mlp.experts.up"]
    assert (report.kind, report.pattern, report.groups) == ("experts", "2:4", 4 * 32 * 16)


def test_all_zero_is_no_pattern(write: Write) -> None:
    report = scanned(write({"a.weight": np.zeros((64, 64), np.float32)}))["a.weight"]
    assert (report.pattern, report.class_, report.note) == (None, "unstructured", "All zero.")
    assert (report.zero_rows, report.zero_columns) == (64, 64)


def test_one_dense_layer_among_sparse_siblings_is_a_finding(write: Write) -> None:
    tensors = {f"layers.{i}.up_proj.weight": pruned(32, 64, seed=i) for i in range(5)}
    tensors["layers.3.up_proj.weight"] = weights(32, 64)
    tensors["layers.0.down_proj.weight"] = weights(64, 32)
    result = sparse_core.scan(write(tensors), cache=False)
    found = {one.name: one for one in result.layers}
    odd = found["layers.3.up_proj.weight"]
    assert (odd.class_, odd.meant, odd.meant_by) == ("broken", "2:4", "siblings")
    assert (odd.groups, odd.bad_groups, odd.surplus) == (512, 512, 1024)
    assert found["layers.0.down_proj.weight"].class_ == "dense"
    assert result.verdict.broken == 1
    assert any(phrase.tensor == odd.name for phrase in result.verdict.detail)


def test_two_that_differ_are_no_majority(write: Write) -> None:
    path = write({"0.fc.weight": pruned(32, 64), "1.fc.weight": weights(32, 64)})
    assert [one.class_ for one in scanned(path).values()] == ["sparse", "dense"]


def test_metadata_of_ours_says_what_was_meant(write: Write) -> None:
    broken = weights(8, 8)
    broken[:, 2:] = 0
    broken[0] = 1
    tensors = {"a.weight": broken, "b.weight": pruned(8, 8), "head.weight": weights(8, 8)}
    words = {"sparsescope.pattern": "2:4", "sparsescope.method": "asp"}
    found = scanned(write(tensors, metadata=words))
    assert (found["a.weight"].class_, found["a.weight"].meant_by) == ("broken", "metadata")
    # Too small to be recognised, but it keeps what its file says.
    assert (found["b.weight"].class_, found["b.weight"].pattern) == ("sparse", "2:4")
    assert found["head.weight"].class_ == "dense"
    assert scanned(write({"b.weight": pruned(8, 8)}))["b.weight"].class_ == "unstructured"


def test_latent_weights_are_projected_and_said_to_be(write: Write) -> None:
    words = {"sparsescope.pattern": "1:4", "sparsescope.rule": "projected"}
    path = write({"a.weight": weights(16, 16), "a.bias": weights(16)}, metadata=words)
    result = sparse_core.scan(path, cache=False)
    report, bias = result.layers[1], result.layers[0]
    assert (report.rule, report.class_, report.pattern) == ("projected", "sparse", "1:4")
    assert (report.zeros, report.raw_zeros, report.mask_zeros) == (192, 0, None)
    assert bias.rule == "zeros"
    assert "projected" in result.verdict.conditions
    zeros = scanned(path, rule="zeros")["a.weight"]
    assert (zeros.rule, zeros.zeros, zeros.class_) == ("zeros", 0, "dense")


def test_the_projection_of_any_file_can_be_asked_for(write: Write) -> None:
    path = write({"a.weight": weights(16, 16)})
    report = scanned(path, rule="projected", pattern="2:8")["a.weight"]
    assert (report.pattern, report.zeros, report.class_) == ("2:8", 192, "sparse")
    assert scanned(path, rule="projected")["a.weight"].pattern == "2:4"


def _masked(tool: str) -> dict[str, Array]:
    values = weights(32, 64)
    mask = sparse_core.project(values, "2:4")
    return {
        "prune": {"a.weight_orig": values, "a.weight_mask": mask.astype(np.float32)},
        "asp": {"a.weight": values * mask, "a.__weight_mma_mask": mask},
        "modelopt": {"a.weight": values, "a._weight_mask": mask},
    }[tool]


@pytest.mark.parametrize(("tool", "raw_zeros"), [("prune", 0), ("asp", 32 * 32), ("modelopt", 0)])
def test_stored_masks_of_other_tools_are_used(write: Write, tool: str, raw_zeros: int) -> None:
    path = write({**_masked(tool), "b.weight": weights(32, 64)})
    found = scanned(path)
    assert list(found) == ["a.weight", "b.weight"]
    report = found["a.weight"]
    assert (report.rule, report.pattern, report.class_) == ("stored", "2:4", "sparse")
    assert (report.zeros, report.raw_zeros, report.mask_zeros) == (1024, raw_zeros, 1024)
    assert found["b.weight"].rule == "zeros"
    plain = scanned(path, rule="zeros")["a.weight"]
    assert (plain.rule, plain.zeros, plain.mask_zeros) == ("zeros", raw_zeros, 1024)


def test_dead_weights_under_a_stored_mask_are_zeros_too(write: Write) -> None:
    values = np.ones((4, 8), np.float32)
    values[0] = 0
    path = write({"a.weight_orig": values, "a.weight_mask": np.tile([1.0, 0], (4, 4))})
    report = scanned(path)["a.weight"]
    assert (report.zeros, report.raw_zeros, report.mask_zeros) == (20, 8, 16)
    assert "12 weights under the stored mask are not zero yet." in report.note
    assert "4 weights that the stored mask keeps are zero." in report.note


def test_nan_and_inf_everywhere_are_counted_and_kept(write: Write) -> None:
    values = weights(16, 16)
    values[0], values[1], values[2] = np.nan, np.inf, -np.inf
    path = write(
        {
            "a.weight": values,
            "n.weight": np.full((4, 4), np.nan, np.float16),
            "b.bias": np.array([np.inf, -0.0], np.float32),
        }
    )
    result = sparse_core.scan(path, cache=False)
    found = {one.name: one for one in result.layers}
    rest = values[3:].astype(np.float64)
    report = found["a.weight"]
    assert (report.nan, report.inf, report.zeros) == (16, 32, 0)
    assert report.min == rest.min()
    assert report.mean == pytest.approx(rest.mean(), rel=1e-12)
    assert report.std == pytest.approx(rest.std(), rel=1e-12)
    none = found["n.weight"]
    assert (none.min, none.max, none.mean, none.std) == (None, None, None, None)
    assert (found["b.bias"].inf, found["b.bias"].zeros) == (1, 1)
    assert "NaN or Inf" in result.verdict.text


def test_zero_size_and_zero_dimensional_tensors_are_rows_like_others(write: Write) -> None:
    path = write(
        {
            "a.weight": np.zeros((0, 8), np.float32),
            "b.weight": np.zeros((8, 0), np.float32),
            "c.weight": np.zeros((3, 0, 2, 2), np.float32),
            "scalar": np.float32(3.0),
        }
    )
    found = scanned(path)
    assert {name: one.elements for name, one in found.items()} == {
        "a.weight": 0,
        "b.weight": 0,
        "c.weight": 0,
        "scalar": 1,
    }
    assert all(one.class_ == "other" for one in found.values())
    assert (found["scalar"].min, found["scalar"].zero_rows) == (3.0, None)


def test_every_format_is_read(write: Write) -> None:
    ints = np.arange(-8, 8, dtype=np.int8).reshape(2, 8)
    path = write(
        {
            "a.weight": ("bfloat16", np.full((4, 8), 0x3F80, np.uint16)),
            "b.weight": ("float8_e4m3fn", np.full((4, 8), 0x38, np.uint8)),
            "c.weight": np.ones((4, 8), np.float64),
            "d.steps": np.array([7], np.int64),
            "e.weight": ints,
        }
    )
    found = scanned(path)
    assert found["a.weight"].mean == found["b.weight"].mean == found["c.weight"].mean == 1.0
    assert found["d.steps"].kind == "buffer"
    assert (found["e.weight"].zeros, found["e.weight"].min, found["e.weight"].nan) == (1, -8.0, 0)


def test_near_zeros_are_not_zeros(write: Write) -> None:
    values = np.array([[0.0, -0.0, 1e-5, -1e-5, 0.5, 2.0, 1e-3, 0.0]], np.float32)
    report = scanned(write({"a.weight": values}), threshold=1e-3)["a.weight"]
    assert (report.zeros, report.near_zeros) == (3, 2)


def test_lights_are_never_mixed(write: Write) -> None:
    half = ("float16", pruned(64, 64).astype(np.float16))
    path = write({"a.weight": half, "b.weight": weights(64, 64), "b.bias": weights(64)})
    found = scanned(path)
    lights = {
        name: (one.zeros_light, one.pattern_light, one.packed_light, one.eligible_light)
        for name, one in found.items()
    }
    assert lights == {
        "a.weight": ("yes", "yes", "no", "yes"),
        "b.weight": ("no", "absent", "absent", "no"),
        "b.bias": ("no", "absent", "absent", "absent"),
    }


def test_a_dense_weight_is_told_what_two_in_four_would_keep(write: Write) -> None:
    values = weights(64, 64)
    shrunk = np.where(sparse_core.project(values, "2:4"), values, values * 0.05)
    tall = np.ascontiguousarray(weights(64, 6, 3, 3))
    found = scanned(write({"a.weight": values, "b.weight": shrunk, "c.weight": tall}))
    ordered = np.sort(np.abs(values.astype(np.float64)).reshape(-1, 4), 1)
    kept, dropped = ordered[:, 2:], ordered[:, :2]
    report = found["a.weight"]
    assert report.energy_24 == pytest.approx((kept**2).sum() / (ordered**2).sum(), rel=1e-6)
    assert report.latent_24 == pytest.approx(dropped.sum() / kept.sum(), rel=1e-5)
    assert found["b.weight"].latent_24 == pytest.approx(report.latent_24 * 0.05, rel=1e-5)
    groups = tall[:, :4].astype(np.float64).transpose(0, 2, 3, 1).reshape(-1, 4)
    ordered = np.sort(np.abs(groups), 1)
    share = (ordered[:, 2:] ** 2).sum() / (ordered**2).sum()
    assert found["c.weight"].energy_24 == pytest.approx(share, rel=1e-6)
    assert report.packed_bytes == 64 * 64 * 4 // 2 + 64 * 64 // 2 * 2 // 8


def test_the_sample_of_a_large_dense_weight_is_close(write: Write) -> None:
    values = weights(512, 1024, seed=9)
    turned = np.ascontiguousarray(weights(1536, 512, seed=9).T)
    long = weights(4, 100_002, seed=9)
    wide = weights(4, 8_192, 3, 3, seed=9)
    named = {"a.weight": values, "h.c_attn.weight": turned, "long.weight": long, "w.weight": wide}
    found = scanned(write(named))
    for report in found.values():
        assert report.energy_24 == pytest.approx(0.868, abs=0.003)
        assert report.latent_24 == pytest.approx(0.343, abs=0.005)
    assert found["h.c_attn.weight"].input_dim == 0


def test_latent_looking_weights_are_hinted_at(write: Write) -> None:
    values = weights(64, 64)
    shrunk = np.where(sparse_core.project(values, "2:4"), values, values * 0.05)
    text = sparse_core.scan(write({"a.weight": shrunk}), cache=False).verdict.text
    assert "SR-STE" in text
    text = sparse_core.scan(write({"a.weight": values}), cache=False).verdict.text
    assert "SR-STE" not in text
    assert "Projected to 2:4 it would keep" in text


def test_the_library_refuses_what_it_does_not_know(write: Write) -> None:
    path = write({"a.weight": weights(4, 4)})
    with pytest.raises(TypeError, match="patern"):
        sparse_core.scan(path, patern="2:4")
    with pytest.raises(PatternError):
        sparse_core.scan(path, pattern="5:4")
    with pytest.raises(PatternError):
        sparse_core.scan(path, pattern="2:4", axis="sideways")
    with pytest.raises(PatternError):
        sparse_core.scan(path, axis="sideways", cache=False)
    for threshold in (-1.0, float("nan"), float("inf")):
        with pytest.raises(SparseError, match="magnitude"):
            sparse_core.scan(path, threshold=threshold, cache=False)
    for nowhere in ("", "a\0b"):
        with pytest.raises(CheckpointError, match="path"):
            sparse_core.open(nowhere)
    with sparse_core.open(path) as opened:
        assert sparse_core.scan(opened, cache=False).verdict.prunable == 1


def test_a_pattern_may_be_given_as_one(write: Write) -> None:
    path = write({"a.weight": np.ascontiguousarray(pruned(64, 64).T)})
    given = sparse_core.scan(path, pattern=sparse_core.NMPattern(2, 4, "out"), cache=False)
    assert (given.verdict.sparse, given.layers[0].axis) == (1, "out")


def test_the_axis_of_all_needs_no_pattern(write: Write) -> None:
    path = write({"a.weight": weights(64, 64), "b.weight": pruned(64, 64)})
    dense, _ = sparse_core.scan(path, rule="projected", axis="out", cache=False).layers
    assert (dense.pattern, dense.axis, dense.bad_groups) == ("2:4", "out", 0)
    _, inward = sparse_core.scan(path, axis="out", cache=False).layers
    assert (inward.pattern, inward.class_) == (None, "unstructured")


def test_options_default_to_the_words_of_the_pipe() -> None:
    assert ScanOptions().rule == "auto"
    assert set(sparse_core.__all__) <= set(dir(sparse_core))
    with pytest.raises(AttributeError):
        sparse_core.nothing  # noqa: B018


def test_zero_structures_are_counted_however_few_the_zeros(write: Write) -> None:
    kernel = weights(8, 4, 3, 3)
    kernel[2, 1] = 0
    almost = weights(8, 4, 3, 3)
    almost[2, 1].flat[1:] = 0
    point = weights(8, 4, 1, 1)
    point[3, 2] = 0
    stack = weights(3, 8, 4)
    stack[1, 5] = 0
    row = weights(8, 4)
    row[5] = 0
    column = weights(8, 4)
    column[:, 3] = 0
    found = scanned(
        write(
            {
                "kernel.weight": kernel,
                "almost.weight": almost,
                "point.weight": point,
                "experts": stack,
                "row.weight": row,
                "column.weight": column,
            }
        )
    )
    structures = {
        name.removesuffix(".weight"): (
            one.zero_rows,
            one.zero_columns,
            one.zero_filters,
            one.zero_channels,
            one.zero_kernels,
        )
        for name, one in found.items()
    }
    assert structures == {
        "kernel": (0, 0, 0, 0, 1),
        "almost": (0, 0, 0, 0, 0),
        "point": (0, 0, 0, 0, 1),
        "experts": (1, 0, None, None, None),
        "row": (1, 0, None, None, None),
        "column": (0, 1, None, None, None),
    }
