"""What is said of one layer: the line under its name, the figures, the notes."""

from inspector.models import words
from inspector.models.term_cards import card_of
from sparse_core.messages import Eligibility, LayerReport

Figure = tuple[str, str, str]
"""Name, figure, meaning."""

_GAUSSIAN_24 = 0.868


def line_of(report: LayerReport) -> str:
    """Return shape, format, kind and axis as one dim line."""
    known = "known" if report.kind_known else "assumed"
    parts = [
        words.shape_text(report.shape),
        words.short_format(report.dtype),
        f"{report.kind} ({known})",
    ]
    axis = report.axis or report.meant_axis
    if axis and (report.pattern or report.meant):
        parts.append(f"groups along {axis}")
    return " · ".join(parts)


def figures_of(report: LayerReport) -> list[Figure]:
    """Return the rows of the table of figures, most telling first."""
    figures = [*_sparsity(report), *_structure(report), *_values(report), *_bytes(report)]
    return [
        (name, figure, f"{meaning}\n\n{card_of(name)}".rstrip())
        for name, figure, meaning in figures
    ]


def notes_of(report: LayerReport) -> list[str]:
    """Return sentences: why not, what it looks like, which kernels take it."""
    notes = [text for text in (report.error, report.note) if text]
    if report.ambiguous:
        notes.append("The pattern holds along two axes: which one is meant cannot be told.")
    if report.energy_24 is not None and report.class_ in ("dense", "unstructured"):
        notes.append(
            f"Projected to 2:4 it would keep {words.percent(report.energy_24)} of w² "
            f"(a Gaussian keeps {words.percent(_GAUSSIAN_24)})."
        )
    if report.stored_as:
        notes.append("Stored as " + ", ".join(report.stored_as) + ".")
    notes.extend(_kernel(kernel) for kernel in report.eligible)
    return notes


def _kernel(kernel: Eligibility) -> str:
    answer = "eligible" if kernel.eligible else f"not eligible, {kernel.reason}"
    return f"2:4 kernel {kernel.kernel}: {answer}".rstrip(".") + "."


def _sparsity(report: LayerReport) -> list[Figure]:
    rows: list[Figure] = []
    pattern = report.pattern or report.meant
    if pattern:
        known = f"{pattern} ({report.meant_by})" if report.meant_by else pattern
        rows.append(("pattern", known, "N of every M are kept, and how that is known"))
    if report.elements:
        density = 1 - report.zeros / report.elements
        rows.append(("density", f"{density:.4f}", f"Share of kept weights, rule {report.rule}"))
    rows.append(("zeros", f"{report.zeros:,} of {report.elements:,}", "Effective zeros"))
    if report.mask_zeros is not None:
        rows.append(("mask zeros", f"{report.mask_zeros:,}", "Zeros of the stored mask"))
    if report.near_zeros:
        rows.append(("near zeros", f"{report.near_zeros:,}", "Below the threshold, not zero"))
    if report.bad_groups is not None and report.groups is not None:
        rows.append(
            ("broken", f"{report.bad_groups:,} of {report.groups:,}", "Groups with too many kept")
        )
    if report.surplus:
        rows.append(("surplus", f"{report.surplus:,}", "Weights that a repair would drop"))
    return rows


def _structure(report: LayerReport) -> list[Figure]:
    counted = (
        ("zero rows", report.zero_rows, "Outputs without a weight"),
        ("zero columns", report.zero_columns, "Inputs without a weight"),
        ("zero filters", report.zero_filters, "Filters without a weight"),
        ("zero channels", report.zero_channels, "Input channels without a weight"),
        ("zero kernels", report.zero_kernels, "Kernels without a weight"),
    )
    return [(name, f"{count:,}", meaning) for name, count, meaning in counted if count]


def _values(report: LayerReport) -> list[Figure]:
    if report.min is None:
        return []
    low, high = words.number(report.min), words.number(report.max)
    mean, std = words.number(report.mean), words.number(report.std)
    rows = [
        ("min … max", f"{low} … {high}", "Over the finite values"),
        ("mean ± std", f"{mean} ± {std}", "Over the finite values, zeros included"),
    ]
    if report.norm is not None:
        rows.append(("norm", words.number(report.norm), "Square root of the sum of squares"))
    rows.append(("NaN · Inf", f"{report.nan:,} · {report.inf:,}", "Values that are no numbers"))
    return rows


def _bytes(report: LayerReport) -> list[Figure]:
    if not report.packed_bytes:
        return []
    return [("packed", words.size(report.packed_bytes), "Bytes in a packed 2:4 form")]
