"""What is said of a speed test: the verdict, why a row is as it is, the five lights."""

from collections.abc import Sequence

from inspector.models import words
from inspector.models.speed_result import (
    TOLERANCE,
    Estimate,
    SpeedResult,
    best_of,
    finding,
    promise,
)
from sparse_core.messages import Phrase, Verdict
from sparse_core.messages.speed import NetworkRow, SpeedRow, Unavailable

LIGHTS = ("zeros", "pattern", "packed", "eligible", "measured faster")
"""Five questions that are often taken for one."""
PLAN = "plan"
"""What a whole model runs, among the backends."""
_WHY = {
    "compact": "the product is smaller: no kernel is needed, and every batch gains",
    "nm_native": "our own kernel reads only the kept weights",
    "nm_triton": "our own kernel reads only the kept weights",
    "semi_structured": "tensor cores skip half of the products",
    "csr": "so few weights are left that their indices pay",
    "bsr": "whole blocks are empty",
}
_WHY_NOT = {
    "compact": "what was taken away is less than what the smaller product costs here",
    "nm_native": "what is saved in multiplications is paid back in index work",
    "nm_triton": "the dense product is compute-bound here, and its tensor cores win",
    "semi_structured": "the launch and the padding cost more than half the products save",
    "csr": "index traffic: 8 to 12 bytes are moved for each kept weight",
    "bsr": "blocks hold zeros, too, and each block costs a small product of its own",
}


def verdict_of(result: SpeedResult, batch: int, *, running: bool) -> Verdict:
    """Say what is faster on this machine.

    Parameters
    ----------
    batch : int
        The batch size that is looked at.
    running : bool
        Whether further rows are still to come.
    """
    rows = result.at(batch)
    best = [row for row in best_of(rows).values() if row.backend != "dense"]
    layers = len({row.layer for row in rows})
    others = {row.backend for row in rows if row.backend != "dense"}
    if not rows:
        headline, mood = "Nothing could be timed.", "look"
    elif best:
        top = max(best, key=lambda row: row.ratio)
        gain = "gains" if len(best) == 1 else "gain"
        headline = (
            f"{_named(top.backend)} is up to {top.ratio:.2f} times as fast as dense: "
            f"{len(best)} of {words.count(layers, 'shape')} {gain}."
        )
        mood = "ok"
    elif others:
        headline, mood = "On this machine sparse gains nothing: dense is as fast or faster.", "look"
    else:
        headline, mood = "No sparse backend can run these layers here.", "look"
    detail = [Phrase(sentence + " ") for sentence in _evidence(rows)]
    return Verdict(
        text=" ".join([headline, *(phrase.text.strip() for phrase in detail)]),
        headline=headline,
        detail=tuple(detail),
        conditions=_conditions(result, batch, running),
        mood="ok" if mood == "ok" else "look",
        prunable=0,
        sparse=0,
        broken=0,
        unstructured=0,
        dense=0,
    )


def _evidence(rows: Sequence[SpeedRow]) -> list[str]:
    """Name the worst, and what must not be believed."""
    said = []
    slow = [row for row in rows if finding(row) == "slower"]
    if slow:
        worst = min(slow, key=lambda row: row.ratio)
        said.append(f"{_named(worst.backend)} is {1 / worst.ratio:.1f} times slower than dense.")
    wrong = sorted({row.backend for row in rows if finding(row) == "wrong"})
    if wrong:
        said.append(f"{', '.join(wrong)} computes something else: its times are not compared.")
    if any(row.disturbed for row in rows):
        said.append("Other processes computed meanwhile: such rows are marked, measure again.")
    return said


def _conditions(result: SpeedResult, batch: int, running: bool) -> str:
    rows = result.at(batch)
    parts = []
    if rows:
        row = rows[0]
        threads = words.count(row.threads, "thread")
        parts += [f"batch {row.batch:,}", row.dtype, row.device, threads]
    machine = result.machine
    if machine is not None:
        parts = [machine.cpu, f"native {machine.native}", *parts, f"torch {machine.torch}"]
        held = machine.ceilings
        parts.append(
            f"at best {held.copy_gb_s:.0f} GB/s and {held.product_gflop_s:.0f} GFLOP/s (fp32)"
        )
        parts += [note.rstrip(".") for note in machine.notes]
    if running:
        parts.append("measuring …")
    return " · ".join(parts)


def reason(row: SpeedRow, dense: SpeedRow | None) -> str:
    """Say in one line why a row is as it is."""
    found = finding(row)
    said = []
    if row.backend == "dense":
        said.append("the baseline: torch's own product")
    elif found == "wrong":
        limit = TOLERANCE.get(row.dtype, 1e-4)
        said.append(f"not correct: its error of {row.max_error:.0e} is above {limit:.0e}")
    elif found == "no difference":
        said.append("no difference: the interval holds 1")
    else:
        said.append((_WHY if found == "faster" else _WHY_NOT).get(row.backend, found))
    promised = promise(row, dense)
    if row.backend != "dense" and promised == promised and promised > 1.005:
        said.append(f"{promised:.3g} times fewer multiply-adds")
    if row.disturbed:
        said.append("disturbed by other processes")
    said.extend(row.remarks)
    return "; ".join(said)


def refusals(refused: Sequence[Unavailable]) -> list[tuple[str, str]]:
    """Return each backend that could not run something, with its reasons and how often."""
    counted: dict[str, dict[str, int]] = {}
    for one in refused:
        if one.backend == PLAN:
            continue
        reasons = counted.setdefault(one.backend, {})
        reasons[one.reason] = reasons.get(one.reason, 0) + 1
    return [
        (
            backend,
            "; ".join(
                text if number == 1 else f"{text} ({number} shapes)"
                for text, number in reasons.items()
            ),
        )
        for backend, reasons in counted.items()
    ]


def whys(rows: Sequence[SpeedRow], refused: Sequence[Unavailable]) -> list[str]:
    """Return one sentence a backend: what it does here, and why."""
    said = []
    for backend in dict.fromkeys(row.backend for row in rows if row.backend != "dense"):
        own = [row for row in rows if row.backend == backend]
        found = [finding(row) for row in own]
        ratios = [row.ratio for row in own]
        span = f"{min(ratios):.2f} to {max(ratios):.2f} times"
        if "wrong" in found:
            text = "its outputs are not those of dense"
        elif all(one == "faster" for one in found):
            text = f"faster, {span}: {_WHY.get(backend, '')}"
        elif all(one == "slower" for one in found):
            text = f"slower, {span}: {_WHY_NOT.get(backend, '')}"
        elif all(one == "no difference" for one in found):
            text = "no difference anywhere: the intervals hold 1"
        else:
            text = f"{span}, by shape: {_WHY_NOT.get(backend, '')}"
        said.append(f"{backend}: {text}.")
    said += [f"{backend}: not measured, {text}." for backend, text in refusals(refused)]
    return said


def lights(
    row: SpeedRow, file_lights: Sequence[int], rows: Sequence[SpeedRow]
) -> tuple[tuple[str, bool], ...]:
    """Answer the five questions for a layer.

    Parameters
    ----------
    file_lights : sequence of int
        What the scan said of zeros, pattern, packed and eligible: 1 is yes; empty where the layer
        was made up.
    rows : sequence of SpeedRow
        All rows of its layer.
    """
    known = [light == 1 for light in file_lights] or [True, row.pattern is not None, False, False]
    eligible = known[3] or any(one.backend not in ("dense", "csr", "bsr") for one in rows)
    faster = any(finding(one) == "faster" for one in rows)
    return tuple(zip(LIGHTS, [*known[:3], eligible, faster], strict=True))


def network_words(found: Estimate | None, network: NetworkRow | None, dense: str) -> str:
    """Say how estimate and measurement of the whole network stand.

    Parameters
    ----------
    dense : str
        Why the whole model was not timed though there is one; "" where there is none.
    """
    if found is None:
        return ""
    summed = f"Sum over {words.count(found.layers, 'layer')}"
    if network is not None:
        same = f"Outputs equal dense within {network.max_error:.0e}."
        return f"{summed}, and the whole model as measured. {same}"
    between = f"{summed}; what lies between them is not in it."
    if dense:
        return f"{between} The whole model was not timed: {dense}."
    return f"{between} Open a run to have its whole model timed."


def milliseconds(value: float) -> str:
    """Write a time with three digits."""
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def _named(backend: str) -> str:
    return {"compact": "The smaller dense product", "csr": "CSR", "bsr": "BSR"}.get(
        backend, backend
    )
