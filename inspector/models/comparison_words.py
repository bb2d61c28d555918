"""What is said of two checkpoints: the verdict, and one weight in both."""

from inspector.models import words
from inspector.models.comparison import Comparison
from sparse_core.messages import Cell, Phrase, Verdict


def verdict_of(found: Comparison, first: str, second: str) -> Verdict:
    """Say what differs.

    Parameters
    ----------
    first, second : str
        How A and B are called.
    """
    flips, entries = found.flips, int(found.entries[-1])
    total, moved = int(flips[-1]), int((flips[:-1] > 0).sum())
    new, healed = int(found.new_violations[-1]), int(found.healed_violations[-1])
    layers = words.count(len(found.names), "layer")
    if total:
        share = words.percent(total / max(entries, 1))
        headline = (
            f"{words.count(total, 'weight')} of {entries:,} changed sides, {share}: "
            f"in {moved:,} of {layers}."
        )
    elif _same(found):
        headline = f"No weight of {layers} differs."
    else:
        headline = f"The masks of {layers} are the same; the weights are not."
    detail = []
    if new > 0:
        detail.append(Phrase(f"{words.count(new, 'group')} newly broken in B. "))
    if healed > 0:
        detail.append(Phrase(f"{words.count(healed, 'group')} of A healed. "))
    if total:
        most = found.most
        row = found.names.index(most)
        detail.append(Phrase(words.shown(most), most))
        detail.append(Phrase(f" changed most: {int(flips[row]):,} flips. "))
    mood = "look" if new > 0 else "ok" if not total else "none"
    conditions = [f"A: {words.shown(first)}", f"B: {words.shown(second)}"]
    conditions += [note.rstrip(".") for note in found.notes]
    return Verdict(
        text=" ".join([headline, "".join(phrase.text for phrase in detail)]).strip(),
        headline=headline,
        detail=tuple(detail),
        conditions=" · ".join(conditions),
        mood="look" if mood == "look" else "ok" if mood == "ok" else "none",
        prunable=0,
        sparse=0,
        broken=0,
        unstructured=0,
        dense=0,
    )


def _same(found: Comparison) -> bool:
    lengths, angles = found.norm_change[-1], found.cosine[-1]
    return bool(lengths == 0 and angles >= 1)


def in_short(cell: Cell) -> str:
    """Return what fits under a third of the page: place, value, kept or not."""
    return " · ".join(cell.text.split(" · ")[:2])


def both(a: Cell, b: Cell) -> str:
    """Say what became of one weight from A to B."""
    where = ", ".join(str(at) for at in a.index)
    states = {
        (True, True): "kept in both",
        (False, False): "dropped in both",
        (False, True): "newly kept",
        (True, False): "newly dropped",
    }
    return (
        f"[{where}]  {words.number(a.value)} → {words.number(b.value)}  ·  "
        + (states[a.kept, b.kept])
    )
