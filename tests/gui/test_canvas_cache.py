"""The tile cache counts bytes and drops what was used longest ago."""

import numpy as np

from inspector.views.tile_canvas.cache import TileCache
from sparse_core.messages import TileKey

CELLS = np.zeros((10, 10), np.uint8)


def key(row):
    return TileKey(0, 0, row, 0)


def test_the_least_recently_used_goes_first():
    cache = TileCache(300)
    for row in range(3):
        cache.put("mask", key(row), CELLS)
    assert cache.get("mask", key(0)) is not None
    cache.put("mask", key(3), CELLS)
    assert ("mask", key(1)) not in cache
    assert ("mask", key(0)) in cache
    assert (len(cache), cache.bytes) == (3, 300)


def test_a_tile_replaced_counts_once():
    cache = TileCache(1000)
    cache.put("mask", key(0), CELLS)
    cache.put("mask", key(0), CELLS[:5])
    assert cache.bytes == 50


def test_a_tile_larger_than_the_limit_is_still_shown():
    cache = TileCache(10)
    cache.put("mask", key(0), CELLS)
    assert cache.get("mask", key(0)) is not None
    cache.put("mask", key(1), CELLS)
    assert len(cache) == 1


def test_planes_are_apart():
    cache = TileCache()
    cache.put("mask", key(0), CELLS)
    assert cache.get("density", key(0)) is None
    cache.clear()
    assert (len(cache), cache.bytes) == (0, 0)
