"""What the words on the screen mean: one line, the formula, and where it is from."""

import msgspec


class Term(msgspec.Struct, frozen=True):
    """A word and its card."""

    word: str
    line: str
    formula: str
    paper: str = ""


TERMS: tuple[Term, ...] = (
    Term(
        "N:M", "Of every M consecutive weights along an axis at most N are kept.",
        "max over groups of |kept in group| ≤ N",
        "Zhou et al. 2021, Learning N:M fine-grained structured sparse networks from scratch",
    ),
    Term(
        "2:4", "The N:M that tensor cores of NVIDIA Ampere and later take.", "N = 2, M = 4",
        "Mishra et al. 2021, Accelerating sparse deep neural networks",
    ),
    Term("sparsity", "Share of weights that are zero under the rule.", "zeros / weights"),
    Term("density", "Share of weights that are kept.", "1 − sparsity"),
    Term(
        "broken", "Groups that keep more than N of their M weights.",
        "number of groups with kept > N",
    ),
    Term(
        "worst violation", "The most that any group touching a pixel has too many.",
        "max over groups of kept − N",
    ),
    Term("surplus", "Weights that a repair would drop.", "sum over groups of max(0, kept − N)"),
    Term(
        "repair", "Of each broken group the smallest magnitudes go; nothing else changes.",
        "keep the N largest |w| of M; of equals the earlier one goes",
    ),
    Term(
        "margin", "How clearly a group has chosen; near 0 a little noise flips its mask.",
        "(smallest kept − largest dropped) / smallest kept",
    ),
    Term(
        "axis", "Along what a group runs: inputs, outputs, or the kernel in memory order.",
        "in: w[o, M·g … M·g + M − 1]",
    ),
    Term(
        "rule", "Where the mask comes from: exact zeros, a stored mask, or a projection.",
        "auto takes what the file says of itself, else zeros",
    ),
    Term(
        "projected", "The mask of a dense latent weight, as straight-through training uses it.",
        "mask = top N of |w| in each M",
        "Bengio et al. 2013, Estimating or propagating gradients through stochastic neurons",
    ),
    Term(
        "SR-STE", "Straight-through training that lets dropped weights decay.",
        "g + λ (1 − mask) ⊙ w",
        "Zhou et al. 2021",
    ),
    Term(
        "near zeros", "Weights that are not zero and yet below the threshold.",
        "0 < |w| < threshold",
    ),
    Term(
        "filter, channel, shape", "What structured pruning removes whole from a convolution.",
        "norms of w[o, :, :, :], w[:, i, :, :] and w[:, i, y, x]",
        "Wen et al. 2016, Learning structured sparsity in deep neural networks",
    ),
    Term(
        "lights", "Zeros present, pattern valid, format packed, kernel eligible: never mixed.",
        "filled yes, hollow no, struck through violated, absent no question",
    ),
)  # fmt: skip

_BY_WORD = {term.word: term for term in TERMS}
_OTHER_NAMES = {
    "pattern": "N:M", "zeros": "sparsity", "violation": "worst violation",
    "zero filters": "filter, channel, shape", "zero channels": "filter, channel, shape",
    "layer": "", "Pattern": "N:M", "Density": "density", "Broken": "broken", "Lights": "lights",
}  # fmt: skip


def card_of(word: str) -> str:
    """Return the card of a word as text, "" where it needs none."""
    term = _BY_WORD.get(_OTHER_NAMES.get(word, word))
    if term is None:
        return ""
    return "\n".join(part for part in (term.line, term.formula, term.paper) if part)
