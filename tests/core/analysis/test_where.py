import msgspec
import pytest

from sparse_core.analysis.where import matches
from sparse_core.errors import SparseError
from sparse_core.messages import LayerReport
from sparse_core.messages.query import NUMBERS, WORDS, parse

BARE = LayerReport(
    name="model.layers.12.mlp.Up_proj.weight", kind="linear", shape=(96, 8, 2), dtype="bfloat16",
    elements=1536, rule="zeros", zeros=768, raw_zeros=768, mask_zeros=None, near_zeros=0, nan=0,
    inf=0, min=None, max=None, mean=None, std=None, pattern="2:4", axis="in", ambiguous=False,
    groups=384, bad_groups=3, zero_rows=0, zero_columns=0, class_="broken", surplus=4,
)  # fmt: skip
DENSE = msgspec.structs.replace(
    BARE, name="bias", shape=(7,), elements=7, zeros=0, pattern=None, axis=None, groups=None,
    bad_groups=None, surplus=None, class_="other", kind="bias",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "broken", "bias"),
    [
        ("", True, True),
        ("UP_PROJ", True, False),
        ("-up_proj", False, True),
        ("name:model.*", True, False),
        ("name:up", False, False),
        ("kind:linear sparsity<0.5", False, False),
        ("kind:linear sparsity<=0.5", True, False),
        ("sparsity>=50%", True, False),
        ("density:1", False, True),
        ("bad>0", True, False),
        ("bad<1", False, False),
        ("-bad>0", False, True),
        ("layer:10-20", True, False),
        ("layer:13-20", False, False),
        ("rows%64!=0", True, True),
        ("rows%32=0 columns:16", True, False),
        ("pattern:2:4 axis:in class:broken", True, False),
        ("pattern=none", False, True),
        ("pattern!=2:4", False, True),
        ("elements>1,000", True, False),
        ("dtype:bfloat* rule:zeros surplus=4 groups=384 zeros=768", True, False),
    ],
)
def test_conditions(text, broken, bias):
    query = parse(text)
    assert matches(BARE, query) is broken
    assert matches(DENSE, query) is bias


@pytest.mark.parametrize(
    "text", ["colour:red", "bad>many", "kind<linear", "kind:", "rows%0=1", "bad>"]
)
def test_what_makes_no_sense_is_named(text):
    with pytest.raises(SparseError, match=text.split(":")[0].split(">")[0].split("<")[0][:4]):
        parse(text)


@pytest.mark.parametrize("field", [*WORDS, *NUMBERS])
def test_every_field_can_be_asked(field):
    value = "1" if field in NUMBERS else "x"
    assert matches(BARE, parse(f"{field}:{value}")) in (True, False)
