"""The sections of the weights page: verdict, layers, violations, maps, and what proves them."""

from math import isfinite

import msgspec

from sparse_core.analysis.lines import Line, checkpoint_line, layer_line, verdict_line
from sparse_core.analysis.report.gallery import Pictured, Thumbnail
from sparse_core.analysis.report.gather import Material
from sparse_core.analysis.report.markup import Html, joined, table, tag, text
from sparse_core.analysis.report.png import data_uri, veil
from sparse_core.analysis.report.ranking import LOOKED_AT, Violation
from sparse_core.analysis.report.section import Maker, Section
from sparse_core.analysis.words import plural, size
from sparse_core.dtypes import DTYPES
from sparse_core.messages import LayerReport, Light

_GLYPHS: dict[Light, str] = {"yes": "●", "no": "○", "violated": "⊘"}
_WORDS: dict[Light, str] = {"yes": "yes", "no": "no", "violated": "violated"}
_COLOURS = {"density": "#3f86f0", "violation": "#e5484d"}
"""Between the tokens of the light and the dark page: one picture serves both."""

_SHOWN = 320
"""Pixels of the page along the longer side of a picture, at most."""


def verdict(material: Material) -> Section:
    """Say whether it is sparse, in which pattern, and under which conditions."""
    found = material.verdict
    anchors = {layer.name: f"#layer-{at}" for at, layer in enumerate(material.layers)}
    detail = (
        tag("a", text(phrase.text), href=anchors[phrase.tensor])
        if phrase.tensor in anchors
        else text(phrase.text)
        for phrase in found.detail
    )
    notes = [tag("li", text(note)) for note in material.summary.notes]
    body = [
        tag("h1", text(found.headline)),
        tag("p", detail),
        tag("p", text(found.conditions), class_="dim"),
        tag("ul", notes, class_="dim") if notes else Html(""),
    ]
    data: Line = {
        **_without(verdict_line(found), "type"),
        "headline": found.headline,
        "conditions": found.conditions,
        "mood": found.mood,
        "notes": list(material.summary.notes),
    }
    return Section("verdict", "", tag("div", body, class_=f"verdict {found.mood}"), data)


def checkpoint(material: Material) -> Section:
    """Say what the file holds, from its headers."""
    summary = material.summary
    facts = {
        "format": summary.format,
        "written by": summary.writer or "unknown",
        "tensors": f"{summary.tensors:,} ({summary.other_tensors:,} others)",
        "elements": f"{summary.elements:,}",
        "size": size(summary.bytes),
    }
    if material.container:
        facts["container"] = material.container
    line = checkpoint_line(summary) | {"path": material.name, "container": material.container}
    asked = _without(msgspec.to_builtins(material.options), "cache")
    data = {**_without(line, "type"), "options": asked}
    return Section("checkpoint", "Checkpoint", _facts(facts), data)


def layers(material: Material) -> Section:
    """List every tensor: prunable ones first to see, the others folded away."""
    rows = {True: [], False: []}  # type: dict[bool, list[list[Html]]]
    for at, layer in enumerate(material.layers):
        rows[layer.class_ != "other" or bool(layer.error)].append(_row(at, layer))
    heads = (
        *(("tensor", ""), ("kind", ""), ("format", ""), ("density", "density"), ("", "number")),
        *(("pattern", ""), ("bad groups", "number"), ("lights", "lights"), ("class", "")),
    )
    count = plural(len(rows[False]), "other tensor")
    folded = tag(
        "details",
        [
            tag("summary", text(f"{count}: embeddings, norms, biases, buffers, codes")),
            table(heads, rows[False]),
        ],
    )
    legend = tag("p", text("Lights: zeros present, pattern valid, format packed, 2:4 kernel "
                           "eligible. ● yes, ○ no, ⊘ violated."), class_="dim")  # fmt: skip
    parts = [table(heads, rows[True]) if rows[True] else Html(""), legend]
    data = [
        _without(layer_line(layer), "type") | {"error": layer.error} for layer in material.layers
    ]
    return Section("layers", "Layers", joined([*parts, *([folded] if rows[False] else [])]), data)


def violations(material: Material) -> Section | None:
    """Rank the groups that hold too many weights."""
    total = sum(layer.bad_groups or 0 for layer in material.layers)
    if not total:
        return None
    crowded = [one.name for one in material.layers if (one.bad_groups or 0) > LOOKED_AT]
    beyond = (
        f" Of layers with more than {LOOKED_AT:,}, the first {LOOKED_AT:,} were ranked."
        if crowded
        else ""
    )
    explained = text(
        f"{len(material.violations):,} of {plural(total, 'bad group')}, the costliest first. Cost: "
        "norm of what a repair drops over the root mean square of the layer's weights." + beyond
    )
    heads = (
        *(("", "number"), ("layer", ""), ("group", "number"), ("pattern", ""), ("kept", "number")),
        *(("values", "values"), ("cost", "number"), ("", "")),
    )
    rows = [_violation(rank, one) for rank, one in enumerate(material.violations, start=1)]
    body = joined([tag("p", explained, class_="dim"), table(heads, rows)])
    data = {
        "bad_groups": total,
        "looked_at": LOOKED_AT,
        "worst": [_violation_data(one) for one in material.violations],
    }
    return Section("violations", "Violations", body, data)


def maps(material: Material) -> Section | None:
    """Show where the weights are and where the pattern breaks."""
    if not material.pictures:
        return None
    could = sum(one.class_ in ("broken", "sparse", "unstructured") for one in material.layers)
    told = "" if could == len(material.pictures) else (
        f" {len(material.pictures)} of {could:,} layers, those with the most bad groups first."
    )  # fmt: skip
    explained = text(
        "No pixel is a sample: it shows the named statistic of all weights it stands for. "
        "Rows run down, columns to the right, as the tensor lies in memory." + told
    )
    figures = [_figure(one) for one in material.pictures]
    body = [tag("p", explained, class_="dim"), tag("div", figures, class_="maps")]
    data = [
        {
            "layer": one.report.name,
            "plane": picture.plane,
            "caption": picture.caption,
            "height": picture.pixels.shape[0],
            "width": picture.pixels.shape[1],
            "lit": int((picture.pixels > 0).sum()),
        }
        for one in material.pictures
        for picture in one.thumbnails
    ]
    return Section("maps", "Maps", joined(body), data)


def environment(material: Material) -> Section:
    """Name what the figures were made with."""
    return Section(
        "environment", "Environment", _facts(material.environment), dict(material.environment)
    )


def files(material: Material) -> Section:
    """Give the hash of every file behind the checkpoint."""
    heads = (("file", ""), ("bytes", "number"), ("SHA-256", "hash"))
    rows = [[text(one.name), text(f"{one.bytes:,}"), text(one.sha256)] for one in material.files]
    return Section("files", "Files", table(heads, rows), msgspec.to_builtins(material.files))


SECTIONS: tuple[Maker, ...] = (
    verdict,
    violations,
    maps,
    layers,
    checkpoint,
    environment,
    files,
)
"""What a report of a checkpoint says, in its order."""


def _row(at: int, layer: LayerReport) -> list[Html]:
    """Give the cells of a tensor."""
    shape = "×".join(map(str, layer.shape)) or "scalar"
    name = [
        tag("span", text(layer.name), class_="name", id=f"layer-{at}"),
        tag("span", text(layer.error or shape), class_="bad" if layer.error else "dim"),
    ]
    density = 1 - layer.zeros / layer.elements if layer.elements else None
    axis = f" {layer.meant_axis}" if layer.meant_axis not in (None, "in") else ""
    bad = layer.bad_groups or 0
    return [
        joined(name),
        text(layer.kind if layer.kind_known else f"{layer.kind}?"),
        text(DTYPES[layer.dtype].short),
        Html("") if density is None or layer.error else _bar(density, layer.class_ == "other"),
        text("" if density is None or layer.error else f"{100 * density:.1f} %"),
        text(f"{layer.meant}{axis}" if layer.meant else ""),
        tag("span", text(f"{bad:,}"), class_="broken") if bad else Html(""),
        _lights(layer),
        text("" if layer.class_ == "other" else layer.class_),
    ]


def _bar(density: float, quiet: bool) -> Html:
    """Draw a density."""
    filled = tag("i", style=f"width:{100 * density:.2f}%")
    return tag("span", filled, class_="bar quiet" if quiet else "bar")


def _lights(layer: LayerReport) -> Html:
    """Draw the four lights, always in this order."""
    lights = (
        *(("zeros", layer.zeros_light), ("pattern", layer.pattern_light)),
        *(("packed", layer.packed_light), ("eligible", layer.eligible_light)),
    )
    return joined(
        tag("span", text(_GLYPHS[light]), class_=light, title=f"{name}: {_WORDS[light]}")
        if light != "absent"
        else tag("span", class_="absent")
        for name, light in lights
    )


def _violation(rank: int, one: Violation) -> list[Html]:
    """Give the cells of a bad group; what a repair drops is struck through."""
    values = (
        tag("span", text(f"{value:.6g}"), class_=_weight_class(kept, stays))
        for value, kept, stays in zip(one.values, one.kept, one.correct, strict=True)
    )
    axis = f" {one.axis}" if one.axis != "in" else ""
    return [
        text(rank),
        text(one.tensor),
        text(one.place),
        text(f"{one.pattern}{axis}"),
        text(f"{sum(one.kept)} of {len(one.kept)}"),
        joined(values, " "),
        text(f"{one.cost:.3g}" if isfinite(one.cost) else "∞"),
        text(one.sentence),
    ]


def _weight_class(kept: bool, stays: bool) -> str:
    """Say how a weight of a bad group is drawn."""
    if not kept:
        return "pruned"
    return "stays" if stays else "goes"


def _violation_data(one: Violation) -> Line:
    """Write a bad group as data; JSON has no NaN, so such a value is text."""
    return {
        **msgspec.to_builtins(one),
        "values": [_finite(value) for value in one.values],
        "cost": _finite(one.cost),
    }


def _finite(value: float) -> float | str:
    return value if isfinite(value) else str(value)


def _figure(one: Pictured) -> Html:
    """Show the pictures of a layer."""
    bad = one.report.bad_groups
    breach = f" · {plural(bad, 'bad group')} of {one.report.groups:,}" if bad else ""
    pictures = (
        tag("div", [_image(one.report.name, picture), tag("p", text(picture.caption))])
        for picture in one.thumbnails
    )
    caption = tag("figcaption", [tag("b", text(one.report.name)), text(breach)])
    return tag("figure", [caption, tag("div", pictures, class_="planes")])


def _image(name: str, picture: Thumbnail) -> Html:
    """Show a picture at a whole number of page pixels for each of its own."""
    height, width = picture.pixels.shape
    zoom = max(_SHOWN // max(height, width), 1)
    source = data_uri(veil(picture.pixels, _COLOURS[picture.plane]))
    words = text(f"{name}: {picture.caption}")
    return Html(
        f'<img class="{picture.plane}" width="{width * zoom}" height="{height * zoom}" '
        f'alt="{words}" src="{source}">'
    )


def _facts(facts: dict[str, str]) -> Html:
    """Write names and what they are."""
    return tag(
        "dl", (joined([tag("dt", text(key)), tag("dd", text(fact))]) for key, fact in facts.items())
    )


def _without(line: Line, key: str) -> Line:
    """Give an object without one key."""
    return {name: value for name, value in line.items() if name != key}
