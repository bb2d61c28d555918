"""Rows of a weight with a mask beside it, which most tools write in one way or another."""

from sparse_core.checkpoints.rows import NonzeroMask, Row
from sparse_core.checkpoints.writers.desk import Desk


def masked_row(
    desk: Desk, name: str, weight: str, mask: str, *further: str, note: str = ""
) -> Row | None:
    """Make the row of a weight and its mask.

    Parameters
    ----------
    desk : Desk
        Holds the tensors.
    name : str
        The plain name of the row.
    weight, mask : str
        Names of the two tensors.
    further : str
        Names of tensors that also belong to the row; those that are missing are left out.
    note : str
        A sentence for the user.

    Returns
    -------
    Row or None
        None where one of the two is missing or their shapes differ.
    """
    weights, bits = desk.source(weight), desk.source(mask)
    if weights is None or bits is None or weights.shape != bits.shape or weight == mask:
        return None
    present = tuple(part for part in further if part in desk.left)
    return Row(
        name=name,
        weights=weights,
        mask=NonzeroMask(bits),
        form="masked",
        parts=(weight, mask, *present),
        note=note,
    )
