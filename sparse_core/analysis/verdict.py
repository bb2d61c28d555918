"""The answer in words: is it sparse, in which pattern, and where not.

``headline`` says it, ``detail`` proves it with links, ``conditions`` says under which rule.
"""

import re
from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Literal, NamedTuple

from sparse_core.analysis.dense import (
    GAUSSIAN_ENERGY_24,
    GAUSSIAN_LATENT_24,
    LATENT_BELOW,
)
from sparse_core.analysis.words import joined, named, percent, plural, size
from sparse_core.dtypes import DTYPES
from sparse_core.messages import LayerReport, Phrase, ScanOptions, Verdict

NAMED = 3
"""Layers that are named one by one; further ones are counted."""

Mood = Literal["ok", "look", "bad", "none"]

_HEAD = re.compile(
    r"(^|[./_])(lm_head|head|classifier|score|fc_out|embed_out|logits|output)([./_]|$)"
)


class Sorted(NamedTuple):
    """The reports of a checkpoint by class."""

    every: Sequence[LayerReport]
    sparse: list[LayerReport]
    broken: list[LayerReport]
    unstructured: list[LayerReport]
    dense: list[LayerReport]

    @property
    def prunable(self) -> int:
        """Count the prunable layers."""
        return len(self.sparse) + len(self.broken) + len(self.unstructured) + len(self.dense)


class Finding(NamedTuple):
    """The sentence on top, how it is meant, and the phrases that prove it."""

    headline: str
    mood: Mood
    proof: list[Phrase]


def verdict(
    layers: Sequence[LayerReport], options: ScanOptions | None = None, *, partial: bool = False
) -> Verdict:
    """Say what the reports amount to.

    Parameters
    ----------
    layers : sequence of LayerReport
        In the order of the listing; those that could not be read included.
    options : ScanOptions, optional
        Named in the conditions.
    partial : bool
        Whether layers are still missing: then the counts are said to be so far.
    """
    options = options or ScanOptions()
    layers_of = {
        kind: [one for one in layers if one.class_ == kind and not one.error]
        for kind in ("sparse", "broken", "unstructured", "dense")
    }
    found = Sorted(layers, **layers_of)
    finding = _unread(layers, _finding(found))
    apart = [*_damage(layers), *_unapplied(layers), *_set_aside(found), *_unjudged(layers)]
    detail = _without_gaps([*finding.proof, *apart])
    said = f"{finding.headline} {''.join(phrase.text for phrase in detail)}".strip()
    return Verdict(
        text=f"So far: {said}" if partial else said,
        headline=finding.headline,
        detail=tuple(detail),
        conditions=_conditions(layers, options, partial),
        mood=finding.mood,
        prunable=found.prunable,
        sparse=len(found.sparse),
        broken=len(found.broken),
        unstructured=len(found.unstructured),
        dense=len(found.dense),
        partial=partial,
    )


def _finding(found: Sorted) -> Finding:
    """Choose the sentence."""
    if not found.prunable:
        return Finding(
            "Nothing here can be pruned to a pattern.",
            "none",
            [Phrase("No linear, conv or experts weight has a whole group of four. ")],
        )
    if found.broken:
        return _broken(found)
    if found.sparse:
        return _sparse(found)
    if found.unstructured:
        return _unstructured(found)
    return _dense(found)


def _broken(found: Sorted) -> Finding:
    """Say where a pattern is violated."""
    pattern = _commonest(found.broken)
    valid = sum(one.meant == pattern for one in found.sparse)
    proof = [
        Phrase(f"{valid} of {plural(found.prunable, 'prunable matrix')} {_is(valid)} exactly "),
        Phrase(f"{pattern}: "),
    ]
    for index, one in enumerate(found.broken[:NAMED]):
        between = ", " if index else ""
        proof += [Phrase(between), Phrase(_breach(one, index == 0), one.name)]
    more = len(found.broken) - NAMED
    rest = f" and {more} more" if more > 0 else ""
    verb = "breaks" if len(found.broken) == 1 else "break"
    proof.append(Phrase(f"{rest} {verb} it. "))
    surplus = sum(one.surplus or 0 for one in found.broken)
    proof.append(Phrase(f"A repair would drop {plural(surplus, 'weight')}. "))
    odd = [one for one in found.broken if one.meant_by == "siblings"]
    if odd:
        proof += _links(odd, "differs from its siblings. ", "differ from their siblings. ")
    return Finding(f"Meant to be {pattern}, and is not everywhere.", "look", proof)


def _sparse(found: Sorted) -> Finding:
    """Say that every pattern holds."""
    patterns = Counter(one.meant for one in found.sparse)
    pattern = _commonest(found.sparse)
    others = [*found.unstructured, *(one for one in found.dense if not _HEAD.search(one.name))]
    proof = [
        Phrase(
            f"{len(found.sparse):,} of {plural(found.prunable, 'prunable matrix')} "
            f"{_is(len(found.sparse))} exactly "
        ),
        Phrase(f"{_listed_patterns(patterns)}. "),
    ]
    odd = [one for one in found.sparse if one.ambiguous]
    if odd:
        holds = "in and kernel both hold: the axis is ambiguous. "
        proof += _links(odd, holds, holds)
    if len(patterns) > 1:
        return Finding("Sparse, in several patterns.", "ok", proof)
    if len(found.sparse) == found.prunable:
        return Finding(f"It is {pattern} everywhere.", "ok", proof)
    if not others:
        return Finding(f"It is {pattern} everywhere but in the head.", "ok", proof)
    return Finding(f"It is {pattern} where it is sparse.", "ok", proof)


def _unstructured(found: Sorted) -> Finding:
    """Say how many zeros there are without a pattern."""
    empty, rest = _by_emptiness(found.unstructured)
    void = _links(empty, "is all zero. ", "are all zero. ")
    if not rest:
        every = len(empty) == found.prunable
        only = "There is nothing but zeros." if every else "Not sparse, but in part all zero."
        return Finding(only, "look", void)
    zeros = sum(one.zeros for one in rest)
    elements = sum(one.elements for one in rest)
    proof = [
        Phrase(
            f"{plural(len(rest), 'layer')} of {found.prunable:,} "
            f"{'holds' if len(rest) == 1 else 'hold'} {percent(zeros, elements)} "
            "zeros that follow no N:M. "
        )
    ]
    lines = [one for one in rest if _has_zero_lines(one)]
    if lines:
        whole = "has whole zero rows or columns. ", "have whole zero rows or columns. "
        proof += _links(lines, *whole)
    return Finding("Sparse, in no pattern.", "none", [*proof, *void])


def _by_emptiness(
    unstructured: Sequence[LayerReport],
) -> tuple[list[LayerReport], list[LayerReport]]:
    """Tell layers that are all zero, which no pattern can be read from, from the others."""
    empty = [one for one in unstructured if one.zeros == one.elements]
    return empty, [one for one in unstructured if one.zeros < one.elements]


def _has_zero_lines(report: LayerReport) -> bool:
    """Say whether whole rows or columns are zero; in a matrix of one row every zero is a column."""
    outputs = report.shape[0] if report.input_dim != 0 else report.shape[1]
    return outputs > 1 and bool(report.zero_rows or report.zero_columns)


def _dense(found: Sorted) -> Finding:
    """Say what a dense network would lose and gain."""
    none = f"None of {plural(found.prunable, 'prunable matrix')} is sparse. "
    proof = [Phrase("The one prunable matrix is not sparse. " if found.prunable == 1 else none)]
    judged = [one for one in found.dense if one.energy_24 is not None]
    if judged:
        weight = sum((one.norm or 0.0) ** 2 for one in judged)
        kept = sum((one.energy_24 or 0.0) * (one.norm or 0.0) ** 2 for one in judged)
        share = percent(kept, weight) if weight > 0 else "nothing"
        proof.append(
            Phrase(
                f"Projected to 2:4 it would keep {share} of |w|² "
                f"(Gaussian weights: {100 * GAUSSIAN_ENERGY_24:.1f} %) "
            )
        )
        proof.append(Phrase(_gain(found.dense)))
    if _looks_latent(judged):
        typical = median(one.latent_24 or 0.0 for one in judged)
        proof.append(
            Phrase(
                f"What 2:4 would drop is {typical:.2f} as large as what it keeps "
                f"(by chance {GAUSSIAN_LATENT_24:.2f}): these look like latent weights of SR-STE; "
                "try the rule projected. "
            )
        )
    return Finding("It is dense.", "none", proof)


def _gain(dense: Sequence[LayerReport]) -> str:
    """Say what 2:4 would save, and how many layers the kernels take."""
    now = sum(one.packed_bytes is not None and _bytes(one) for one in dense)
    packed = sum(one.packed_bytes or 0 for one in dense)
    taken = sum(one.eligible_light == "yes" for one in dense)
    return (
        f"and need {size(packed)} of {size(now)}; 2:4 kernels would take "
        f"{taken:,} of {plural(len(dense), 'layer')}. "
    )


def _bytes(report: LayerReport) -> int:
    """Give the bytes of a dense layer."""
    return report.elements * DTYPES[report.dtype].itemsize


def _looks_latent(judged: Sequence[LayerReport]) -> bool:
    """Say whether the dropped weights are smaller than any dense training leaves them."""
    ratios = [one.latent_24 for one in judged if one.latent_24 is not None]
    return bool(ratios) and median(ratios) < LATENT_BELOW


def _unread(layers: Sequence[LayerReport], finding: Finding) -> Finding:
    """Put what could not be read first: the rest is then not the whole truth."""
    missing = [one for one in layers if one.error]
    if not missing:
        hurt = any(one.nan or one.inf for one in layers)
        return finding._replace(mood="look") if hurt and finding.mood != "bad" else finding
    proof = _links(missing, "could not be read. ", "could not be read. ")
    return Finding(finding.headline, "bad", [*proof, *finding.proof])


def _damage(layers: Sequence[LayerReport]) -> list[Phrase]:
    """Name the layers that hold NaN or Inf."""
    hurt = [one for one in layers if one.nan or one.inf]
    return _links(hurt, "holds NaN or Inf. ", "hold NaN or Inf. ") if hurt else []


def _unapplied(layers: Sequence[LayerReport]) -> list[Phrase]:
    """Say that masks lie beside weights which do not show them."""
    latent = [one for one in layers if one.rule == "stored" and one.raw_zeros < one.zeros]
    verbs = "holds its mask beside it, not applied. ", "hold their masks beside them, not applied. "
    return _links(latent, *verbs)


def _unjudged(layers: Sequence[LayerReport]) -> list[Phrase]:
    """Count what holds codes instead of weights."""
    coded = sum(one.kind == "quantised" and not one.error for one in layers)
    if not coded:
        return []
    return [Phrase(f"{plural(coded, 'quantised tensor')} {_was(coded)} not judged. ")]


def _set_aside(found: Sorted) -> list[Phrase]:
    """Say what is not sparse and need not be, and what is without being asked."""
    phrases: list[Phrase] = []
    if found.sparse or found.broken:
        heads = [one for one in found.dense if _HEAD.search(one.name)]
        dense = [one for one in found.dense if not _HEAD.search(one.name)]
        empty, rest = _by_emptiness(found.unstructured)
        phrases += _links(rest, "has zeros in no pattern. ", "have zeros in no pattern. ")
        phrases += _links(empty, "is all zero. ", "are all zero. ")
        phrases += _links(dense, "is dense. ", "are dense. ")
        phrases += _normal(found.every, heads)
    return phrases


def _normal(layers: Sequence[LayerReport], heads: Sequence[LayerReport]) -> list[Phrase]:
    """Say which kinds are dense as they should be."""
    words = {"embedding": "embeddings", "norm": "norms", "bias": "biases"}
    present = {one.kind for one in layers if one.class_ == "other"}
    kinds = (["head"] if heads else []) + [word for kind, word in words.items() if kind in present]
    if not kinds:
        return []
    verb = "is" if kinds == ["head"] else "are"
    text = f"{joined(kinds).capitalize()} {verb} dense: normal. "
    return [Phrase(text, heads[0].name if kinds == ["head"] else "")]


def _links(layers: Sequence[LayerReport], one: str, many: str) -> list[Phrase]:
    """Name a few layers, each a link, and count the others."""
    if not layers:
        return []
    phrases: list[Phrase] = []
    for index, layer in enumerate(layers[:NAMED]):
        last = index == len(layers) - 1
        between = "" if not index else (" and " if last else ", ")
        phrases += [Phrase(between), Phrase(named(layer.name), layer.name)]
    more = len(layers) - NAMED
    rest = f" and {more:,} more" if more > 0 else ""
    phrases.append(Phrase(f"{rest} {one if len(layers) == 1 else many}"))
    return phrases


def _breach(report: LayerReport, first: bool) -> str:
    """Say how often a layer breaks its pattern: ``fc1 517 of 50,176 groups``."""
    of = f" of {report.groups or 0:,} groups" if first else ""
    return f"{named(report.name)} {report.bad_groups or 0:,}{of}"


def _commonest(layers: Sequence[LayerReport]) -> str:
    """Give the pattern that most of these layers are meant to have."""
    return Counter(one.meant or "" for one in layers).most_common(1)[0][0]


def _listed_patterns(patterns: Counter[str | None]) -> str:
    """List the patterns: ``2:4``, or ``2:4 (12), 1:4 (3)``."""
    if len(patterns) == 1:
        return str(next(iter(patterns)))
    return ", ".join(f"{pattern} ({count:,})" for pattern, count in patterns.most_common())


def _is(count: int) -> str:
    """Conjugate."""
    return "is" if count == 1 else "are"


def _was(count: int) -> str:
    """Conjugate."""
    return "was" if count == 1 else "were"


def _without_gaps(phrases: Sequence[Phrase]) -> list[Phrase]:
    """Drop empty phrases and the space at the end."""
    kept = [phrase for phrase in phrases if phrase.text]
    if kept:
        kept[-1] = Phrase(kept[-1].text.rstrip(), kept[-1].tensor)
    return kept


def _conditions(layers: Sequence[LayerReport], options: ScanOptions, partial: bool) -> str:
    """Say under which rule, axis and threshold this holds."""
    parts = [f"Rule: {_rules(layers, options)}", f"groups along {_axes(layers)}"]
    if options.pattern is not None:
        parts.append(f"judged against {options.pattern}")
    if any(one.near_zeros for one in layers) or options.threshold:
        parts.append(f"near zeros below {options.threshold:g}")
    if any(not one.kind_known and one.class_ != "other" for one in layers):
        parts.append("some kinds assumed from shapes")
    if partial:
        parts.append(f"{plural(len(layers), 'tensor')} so far")
    return " · ".join(parts)


def _rules(layers: Sequence[LayerReport], options: ScanOptions) -> str:
    """Name the rules that were applied to prunable layers."""
    where = {
        "zeros": "zeros (from the file)",
        "stored": "stored masks",
        "projected": "projected (the largest |w| of each group)",
    }
    used = {one.rule for one in layers if one.class_ != "other"}
    names = [text for rule, text in where.items() if rule in used]
    chosen = options.rule if options.rule in where else "zeros"
    return " and ".join(names) or where[chosen]


def _axes(layers: Sequence[LayerReport]) -> str:
    """Name the axes of the patterns that were found or meant."""
    used = [
        axis for axis in ("in", "kernel", "out") if any(one.meant_axis == axis for one in layers)
    ]
    return joined(used) if used else "in"
