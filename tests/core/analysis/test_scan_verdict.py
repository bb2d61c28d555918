"""The sentences: what a colleague would say, with links and figures that are right."""

import msgspec
import pytest

from sparse_core.analysis.siblings import dissenters, family_of
from sparse_core.analysis.verdict import verdict
from sparse_core.analysis.words import joined, percent, plural, size
from sparse_core.messages import LayerReport, ScanOptions
from sparse_core.patterns import NMPattern

BLANK = LayerReport(
    name="fc.weight",
    kind="linear",
    shape=(64, 64),
    dtype="float16",
    elements=4096,
    rule="zeros",
    zeros=0,
    raw_zeros=0,
    mask_zeros=None,
    near_zeros=0,
    nan=0,
    inf=0,
    min=-1.0,
    max=1.0,
    mean=0.0,
    std=0.5,
    pattern=None,
    axis=None,
    ambiguous=False,
    groups=None,
    bad_groups=None,
    zero_rows=0,
    zero_columns=0,
    class_="dense",
    kind_known=True,
)


def layer(name: str, class_: str, meant: str | None = None, **fields: object) -> LayerReport:
    words: dict[str, object] = {"name": name, "class_": class_}
    if meant is not None:
        words |= {"meant": meant, "meant_axis": "in", "meant_by": "recognised", "groups": 1024}
    if class_ == "sparse":
        words |= {"pattern": meant, "axis": "in", "bad_groups": 0, "zeros": 2048}
    return msgspec.structs.replace(BLANK, **(words | fields))


def test_a_broken_network_is_told_where() -> None:
    found = verdict(
        [
            layer("fc1.weight", "broken", "2:4", bad_groups=517, groups=50176, surplus=518),
            layer("fc1.bias", "other", kind="bias"),
            layer("fc2.weight", "broken", "2:4", bad_groups=109, surplus=109),
            layer("head.weight", "dense"),
        ]
    )
    assert found.headline == "Meant to be 2:4, and is not everywhere."
    assert found.mood == "look"
    assert found.text == (
        "Meant to be 2:4, and is not everywhere. 0 of 3 prunable matrices are exactly 2:4: "
        "fc1 517 of 50,176 groups, fc2 109 break it. A repair would drop 627 weights. "
        "Head and biases are dense: normal."
    )
    assert [phrase.tensor for phrase in found.detail if phrase.tensor] == [
        "fc1.weight",
        "fc2.weight",
    ]
    assert found.conditions == "Rule: zeros (from the file) · groups along in"
    assert (found.prunable, found.sparse, found.broken, found.dense) == (3, 0, 2, 1)


def test_many_broken_layers_are_counted() -> None:
    layers = [
        layer(f"{i}.fc.weight", "broken", "1:4", bad_groups=i + 1, surplus=1) for i in range(9)
    ]
    assert "2.fc 3 and 6 more break it" in verdict(layers).text


def test_a_sparse_network() -> None:
    whole = [layer("a.weight", "sparse", "2:4"), layer("b.weight", "sparse", "2:4")]
    assert verdict(whole).text == "It is 2:4 everywhere. 2 of 2 prunable matrices are exactly 2:4."
    assert verdict(whole).mood == "ok"
    head = verdict([*whole, layer("lm_head.weight", "dense")])
    assert head.headline == "It is 2:4 everywhere but in the head."
    assert head.detail[-1].tensor == "lm_head.weight"
    part = verdict([*whole, layer("c.weight", "dense"), layer("d.weight", "unstructured")])
    assert part.headline == "It is 2:4 where it is sparse."
    assert "d has zeros in no pattern. c is dense." in part.text
    mixed = verdict([*whole, layer("c.weight", "sparse", "1:4", ambiguous=True)])
    assert mixed.headline == "Sparse, in several patterns."
    assert "2:4 (2), 1:4 (1)" in mixed.text
    assert "c in and kernel both hold" in mixed.text


def test_an_unstructured_network() -> None:
    found = verdict(
        [layer("a.weight", "unstructured", zeros=2048, zero_rows=3), layer("b.weight", "dense")]
    )
    assert found.headline == "Sparse, in no pattern."
    assert "1 layer of 2 holds 50.0 % zeros that follow no N:M. a has whole zero rows" in found.text
    flat = layer("a.weight", "unstructured", shape=(1, 64), zeros=2048, zero_columns=32)
    assert "whole zero" not in verdict([flat]).text


def test_a_name_can_neither_break_nor_turn_a_sentence() -> None:
    name = "a\n\x1b[31m\u202eb.weight"
    found = verdict([layer(name, "unstructured", zeros=4096)])
    assert "a��[31m�b is all zero." in found.text
    assert name in [phrase.tensor for phrase in found.detail]
    endless = verdict([layer(f"{'x' * 3000}.weight", "unstructured", zeros=4096)])
    assert len(endless.text) < 250


def test_what_is_all_zero_has_no_pattern_to_break() -> None:
    empty = layer("a.weight", "unstructured", zeros=4096, zero_rows=64, zero_columns=64)
    found = verdict([empty])
    assert (found.headline, found.mood) == ("There is nothing but zeros.", "look")
    assert found.text.endswith("a is all zero.")
    assert "in part all zero. a is all zero." in verdict([empty, layer("b.weight", "dense")]).text
    mixed = verdict([empty, layer("b.weight", "unstructured", zeros=2048)]).text
    assert "1 layer of 2 holds 50.0 % zeros that follow no N:M. a is all zero." in mixed
    sparse = verdict([empty, layer("b.weight", "sparse", "2:4")]).text
    assert "a is all zero." in sparse
    assert "in no pattern" not in sparse


def test_a_dense_network_is_told_what_it_would_gain() -> None:
    one = layer(
        "a.weight",
        "dense",
        energy_24=0.87,
        latent_24=0.34,
        norm=2.0,
        packed_bytes=4608,
        eligible_light="yes",
    )
    found = verdict([one])
    assert found.text == (
        "It is dense. The one prunable matrix is not sparse. Projected to 2:4 it would keep 87.0 % "
        "of |w|² (Gaussian weights: 86.8 %) and need 4.6 kB of 8.2 kB; 2:4 kernels would take "
        "1 of 1 layer."
    )


def test_what_cannot_be_read_and_what_is_no_number_come_to_the_top() -> None:
    hurt = layer("a.weight", "sparse", "2:4", nan=3)
    assert verdict([hurt]).mood == "look"
    assert "a holds NaN or Inf." in verdict([hurt]).text
    lost = layer("b.weight", "other", error="b is gone.")
    found = verdict([hurt, lost])
    assert found.mood == "bad"
    assert found.detail[0].tensor == "b.weight"
    assert found.prunable == 1


def test_masks_beside_and_codes_are_named() -> None:
    beside = layer("a.weight", "sparse", "2:4", rule="stored", raw_zeros=0)
    coded = [layer(f"{i}.weight", "other", kind="quantised") for i in range(2)]
    assert verdict([beside, *coded]).text == (
        "It is 2:4 everywhere. 1 of 1 prunable matrix is exactly 2:4. "
        "a holds its mask beside it, not applied. 2 quantised tensors were not judged."
    )
    applied = layer("a.weight", "sparse", "2:4", rule="stored", raw_zeros=2048)
    assert "beside" not in verdict([applied]).text


def test_nothing_prunable_is_said_plainly() -> None:
    assert verdict([]).headline == "Nothing here can be pruned to a pattern."
    assert verdict([layer("a.bias", "other", kind="bias")]).mood == "none"


def test_conditions_name_what_was_asked() -> None:
    stored = layer("a.weight", "sparse", "2:4", rule="stored", near_zeros=3, kind_known=False)
    options = ScanOptions(pattern="2:4", threshold=1e-3)
    assert verdict([stored], options, partial=True).conditions == (
        "Rule: stored masks · groups along in · judged against 2:4 · near zeros below 0.001 · "
        "some kinds assumed from shapes · 1 tensor so far"
    )


def test_dissenters_are_those_whose_siblings_agree() -> None:
    layers = [layer(f"h.{i}.fc.weight", "sparse", "2:4") for i in range(3)]
    odd = layer("h.3.fc.weight", "dense")
    assert dissenters([*layers, odd]) == {"h.3.fc.weight": NMPattern(2, 4)}
    assert dissenters([*layers[:2], odd, layer("h.4.fc.weight", "dense")]) == {}
    other_shape = msgspec.structs.replace(odd, shape=(1, 4096))
    assert dissenters([*layers, other_shape]) == {}
    given = msgspec.structs.replace(odd, meant_by="given")
    assert dissenters([*layers, given]) == {}


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("layers.10.up_proj.weight", "layers.*.up_proj.weight"),
        ("fc1.weight", "fc1.weight"),
        ("block/3/kernel", "block/*/kernel"),
    ],
)
def test_a_family_shares_all_but_whole_numbers(name: str, family: str) -> None:
    assert family_of(name) == family


def test_numbers_as_sentences_want_them() -> None:
    assert plural(1, "prunable matrix") == "1 prunable matrix"
    assert plural(2000, "prunable matrix") == "2,000 prunable matrices"
    assert joined(["a"]) == "a"
    assert joined(["a", "b", "c"]) == "a, b and c"
    assert percent(1, 3) == "33.3 %"
    assert percent(99_999, 100_000) == "over 99.9 %"
    assert percent(1, 100_000) == "under 0.1 %"
    assert size(999) == "999 bytes"
    assert size(2_340_000_000) == "2.3 GB"
