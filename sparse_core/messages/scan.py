"""What a scan found: one report a tensor and one verdict a file."""

from typing import Literal

import msgspec

from sparse_core.messages.vocabulary import Class, Light, Message


class Eligibility(msgspec.Struct, frozen=True):
    """Whether one 2:4 GPU kernel takes a weight of this shape and format, and if not, why."""

    kernel: str
    eligible: bool
    reason: str = ""


class LayerReport(msgspec.Struct, frozen=True, rename={"class_": "class"}):
    """What the scan knows of one tensor.

    ``zeros`` are the effective zeros under ``rule``; ``raw_zeros`` the exact zeros of the stored
    weight, ``mask_zeros`` those of a stored mask (None without one). ``pattern`` is the given one,
    else the recognised valid one, else None; ``bad_groups`` counts against the given pattern, else
    the meant one, else is None. ``min`` to ``std`` are over the finite values, None where there
    are none. Rows and columns are those of the GEMM view, None below two dimensions.

    ``meant`` and ``meant_by`` name the pattern the tensor is meant to have and how that is known
    (``given``, ``metadata``, ``siblings``, ``recognised``). ``energy_24`` is the share of w² that
    a 2:4 projection would keep, ``latent_24`` the ratio mean|pruned| / mean|kept| of that
    projection. ``surplus`` is the number of weights a repair would drop.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    dtype: str
    elements: int
    rule: str
    zeros: int
    raw_zeros: int
    mask_zeros: int | None
    near_zeros: int
    nan: int
    inf: int
    min: float | None
    max: float | None
    mean: float | None
    std: float | None
    pattern: str | None
    axis: str | None
    ambiguous: bool
    groups: int | None
    bad_groups: int | None
    zero_rows: int | None
    zero_columns: int | None
    class_: Class
    # What the window shows beyond the JSON line.
    kind_known: bool = False
    input_dim: int | None = None
    meant: str | None = None
    meant_axis: str | None = None
    meant_by: str = ""
    zero_filters: int | None = None
    zero_channels: int | None = None
    zero_kernels: int | None = None
    norm: float | None = None
    surplus: int | None = None
    energy_24: float | None = None
    latent_24: float | None = None
    packed_bytes: int | None = None
    eligible: tuple[Eligibility, ...] = ()
    stored_as: tuple[str, ...] = ()
    note: str = ""
    error: str = ""
    zeros_light: Light = "absent"
    pattern_light: Light = "absent"
    packed_light: Light = "absent"
    eligible_light: Light = "absent"


class Phrase(msgspec.Struct, frozen=True):
    """A piece of a sentence; where ``tensor`` is not empty it is a link to that layer."""

    text: str
    tensor: str = ""


class Verdict(Message, frozen=True):
    """The answer to "is it sparse, and in which pattern".

    ``headline`` is the sentence on top, ``detail`` the evidence with links, ``conditions`` the dim
    line (rule, axis, ...), ``mood`` one of ok, look, bad, none. ``text`` is headline and detail as
    one plain string. ``partial`` while layers are still missing.
    """

    text: str
    headline: str
    detail: tuple[Phrase, ...]
    conditions: str
    mood: Literal["ok", "look", "bad", "none"]
    prunable: int
    sparse: int
    broken: int
    unstructured: int
    dense: int
    partial: bool = False
