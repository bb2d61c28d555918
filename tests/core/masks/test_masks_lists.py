"""A mask may be written by hand."""

import numpy as np

from sparse_core.masks import pack, unpack


def test_nested_lists_are_a_mask():
    packed = pack([[True, False, True], [False, False, True]])
    assert packed.layout.shape == (2, 3)
    assert (unpack(packed) == np.array([[1, 0, 1], [0, 0, 1]], bool)).all()
