"""The table of kinds: names, shapes, what neighbours confirm, what the user overrides."""

from collections.abc import Mapping
from typing import NamedTuple

import pytest

from sparse_core.analysis.kinds import Facts, Kind, check_overrides, facts_of, kind_of
from sparse_core.dtypes import DTYPES
from sparse_core.errors import PatternError
from sparse_core.messages import ScanOptions

F32 = DTYPES["float32"]


class Row(NamedTuple):
    """A tensor of a listing."""

    shape: tuple[int, ...]
    storage: str = ""
    quantised: bool = False


def kind_in(name: str, listing: Mapping[str, tuple[int, ...]]) -> Kind:
    rows = {key: Row(shape, storage=key) for key, shape in listing.items()}
    return kind_of(name, listing[name], F32, facts=facts_of(rows))


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("model.layers.3.mlp.up_proj.weight", (11008, 4096), Kind("linear", 1)),
        ("lm_head.weight", (32000, 4096), Kind("linear", 1)),
        ("fc1.weight", (256, 784), Kind("linear", 1)),
        ("encoder.self_attn.in_proj_weight", (192, 64), Kind("linear", 1)),
        ("embed_out.weight", (32000, 64), Kind("linear", 1)),
        ("embeddings.embedding_hidden_mapping_in.weight", (768, 128), Kind("linear", 1)),
        ("3.weight", (10, 20), Kind("linear", 1, known=False)),
        ("w", (10, 20), Kind("linear", 1, known=False)),
        ("model.embed_tokens.weight", (32000, 64), Kind("embedding")),
        ("transformer.wte.weight", (50257, 768), Kind("embedding")),
        ("transformer.wpe.weight", (1024, 768), Kind("embedding")),
        ("vit.pos_embed", (1, 197, 768), Kind("embedding")),
        ("block.0.relative_attention_bias.weight", (32, 8), Kind("embedding")),
        ("patch_embed.proj.weight", (768, 3, 16, 16), Kind("conv", 1)),
        ("layer1.0.conv1.weight", (64, 64, 3, 3), Kind("conv", 1)),
        ("stft_conv.weight", (258, 1, 256), Kind("conv", 1)),
        ("video.weight", (8, 4, 3, 3, 3), Kind("conv", 1)),
        ("decoder.deconv2.weight", (64, 32, 4, 4), Kind("conv", 0)),
        ("up.conv_transpose.weight", (64, 32, 2, 2), Kind("conv", 0)),
        ("ln_f.weight", (768,), Kind("norm")),
        ("bn1.weight", (64,), Kind("norm")),
        ("LayerNorm.gamma", (64,), Kind("norm")),
        ("attention.LayerNorm.weight", (64,), Kind("norm")),
        ("mystery.weight", (64,), Kind("norm", known=False)),
        ("fc1.bias", (256,), Kind("bias")),
        ("rnn.bias_ih_l0", (256,), Kind("bias")),
        ("rnn.weight_ih_l0", (256, 64), Kind("recurrent", 1)),
        ("rnn.weight_hh_l1_reverse", (256, 64), Kind("recurrent", 1)),
        ("bn1.running_mean", (64,), Kind("buffer")),
        ("h.0.attn.bias", (1, 1, 1024, 1024), Kind("buffer")),
        ("Dense_0/kernel", (784, 128), Kind("linear", 0)),
        ("Conv_0.kernel", (3, 3, 16, 32), Kind("conv", 2)),
        ("visual.proj", (768, 512), Kind("linear", 0)),
        ("cls_token", (1, 1, 768), Kind("other", known=False)),
    ],
)
def test_names_and_shapes_tell_the_kind(name: str, shape: tuple[int, ...], expected: Kind) -> None:
    assert kind_in(name, {name: shape}) == expected


def test_a_counter_is_a_buffer_by_its_format() -> None:
    assert kind_of("bn1.num_batches_tracked", (), DTYPES["int64"]).name == "buffer"
    assert kind_of("anything.flags", (4, 4), DTYPES["bool"]).name == "buffer"
    assert kind_of("fc.weight_packed", (4, 4), DTYPES["int32"]).name == "quantised"


def test_quantised_words_are_what_the_reader_says() -> None:
    facts = facts_of({"fc.weight": Row((8, 8), quantised=True)})
    assert kind_of("fc.weight", (8, 8), DTYPES["int8"], facts=facts) == Kind("quantised")


def test_the_length_of_a_bias_confirms_the_output_side() -> None:
    plain = {"blob.weight": (10, 20), "blob.bias": (10,)}
    turned = {"blob.weight": (10, 20), "blob.bias": (20,)}
    assert kind_in("blob.weight", plain) == Kind("linear", 1)
    assert kind_in("blob.weight", turned) == Kind("linear", 0)
    up = {"mid.0.weight": (64, 32, 2, 2), "mid.0.bias": (32,)}
    assert kind_in("mid.0.weight", up) == Kind("conv", 0)


def test_gpt2_stores_inputs_first_and_nanogpt_does_not() -> None:
    gpt2 = {
        "h.0.attn.c_attn.weight": (768, 2304),
        "h.0.attn.c_proj.weight": (768, 768),
        "h.0.mlp.c_fc.weight": (768, 3072),
        "h.0.mlp.c_proj.weight": (3072, 768),
    }
    nano = {name: shape[::-1] for name, shape in gpt2.items()}
    for name in gpt2:
        assert kind_in(name, gpt2) == Kind("linear", 0)
        assert kind_in(name, nano) == Kind("linear", 1)
    alone = {"h.0.attn.c_proj.weight": (768, 768)}
    assert kind_in("h.0.attn.c_proj.weight", alone) == Kind("linear", 0, known=False)


def test_a_head_tied_to_the_embedding_is_an_embedding() -> None:
    rows = {
        "wte.weight": Row((100, 16), storage="a"),
        "lm_head.weight": Row((100, 16), storage="a"),
        "other.proj.weight": Row((100, 16), storage="b"),
    }
    facts = facts_of(rows)
    assert kind_of("lm_head.weight", (100, 16), F32, facts=facts) == Kind("embedding")
    assert kind_of("other.proj.weight", (100, 16), F32, facts=facts).name == "linear"


def test_fused_experts_are_no_convolution_and_their_sides_are_told() -> None:
    name, partner = "mlp.experts.gate_up_proj", "mlp.experts.down_proj"
    assert kind_in(name, {name: (8, 512, 128)}) == Kind("experts", 2, known=False)
    outputs_first = {name: (8, 512, 128), partner: (8, 128, 256)}
    inputs_first = {name: (8, 128, 512), partner: (8, 256, 128)}
    for tensor in (name, partner):
        assert kind_in(tensor, outputs_first) == Kind("experts", 2)
        assert kind_in(tensor, inputs_first) == Kind("experts", 1)
    by_bias = {name: (8, 128, 512), f"{name}_bias": (8, 512)}
    assert kind_in(name, by_bias) == Kind("experts", 1)
    assert kind_in(f"{name}_bias", by_bias).name == "bias"


def test_a_gate_is_a_router_only_among_experts() -> None:
    routed = {"mlp.gate.weight": (8, 128), "mlp.experts.0.w1.weight": (64, 128)}
    assert kind_in("mlp.gate.weight", routed) == Kind("other")
    assert kind_in("mlp.gate.weight", {"mlp.gate.weight": (8, 128)}).name == "linear"
    assert kind_in("mlp.experts.0.w1.weight", routed).name == "linear"


def test_the_user_has_the_last_word() -> None:
    options = ScanOptions(
        kinds=(("*.odd", "linear"), ("stack", "experts")), axes=(("*.odd", "0"), ("*", "out"))
    )
    assert kind_of("a.odd", (4, 8), F32, options) == Kind("linear", 0)
    assert kind_of("stack", (4, 8, 16), F32, options) == Kind("experts", 2)
    assert kind_of("fc.weight", (4, 8), F32, options) == Kind("linear", 1)


@pytest.mark.parametrize(
    "options",
    [
        ScanOptions(kinds=(("*", "conf"),)),
        ScanOptions(axes=(("*", "sideways"),)),
        ScanOptions(axes=(("*", "-1"),)),
        ScanOptions(kinds=(("nothing*", "linear"),)),
    ],
)
def test_an_override_that_cannot_mean_anything_is_refused(options: ScanOptions) -> None:
    with pytest.raises(PatternError):
        check_overrides(options, ["fc.weight"])


def test_a_dimension_or_kind_that_does_not_fit_a_tensor_is_refused() -> None:
    with pytest.raises(PatternError, match="dimension 2"):
        kind_of("fc.weight", (4, 8), F32, ScanOptions(axes=(("fc*", "2"),)))
    with pytest.raises(PatternError, match="too few"):
        kind_of("fc.bias", (4,), F32, ScanOptions(kinds=(("fc*", "linear"),)))


def test_an_unknown_table_entry_is_assumed() -> None:
    assert kind_of("mystery", (3, 4, 5, 6, 7, 8), F32, facts=Facts()) == Kind("other", known=False)


def test_layers_that_differ_in_their_numbers_may_still_differ_in_what_stands_beside_them() -> None:
    shapes = {
        "blocks.0.fc.weight": (8, 4),
        "blocks.0.fc.bias": (8,),
        "blocks.1.fc.weight": (8, 4),
        "blocks.1.fc.bias": (4,),
        "blocks.2.fc.weight": (8, 4),
        "blocks.3.norm.weight": (8,),
        "blocks.4.0.weight": (8,),
        "blocks.5.0.weight": (8,),
        "blocks.5.0.running_mean": (8,),
    }
    facts = facts_of({name: Row(shape) for name, shape in shapes.items()})
    kinds = {name: kind_of(name, shape, F32, facts=facts) for name, shape in shapes.items()}
    assert [kinds[f"blocks.{i}.fc.weight"].input_dim for i in range(3)] == [1, 0, 1]
    assert not kinds["blocks.4.0.weight"].known
    assert kinds["blocks.5.0.weight"].known
