"""Packed masks: the rules that make them and everything that is counted over their bits.

A mask is bits over the memory view of a tensor, see ``layout``; True = kept.
"""

from sparse_core.masks.groups import GroupCounts, count_groups, survey_groups
from sparse_core.masks.layout import Layout, Run, layout_of
from sparse_core.masks.moments import Moments, merge, moments, scan_chunk
from sparse_core.masks.packed import PackedMask, empty_words, pack, pack_nonzero, unpack
from sparse_core.masks.places import BadGroups, bad_group_positions, group_of, surplus_plane
from sparse_core.masks.project import project, project_straddling
from sparse_core.masks.structure import ZeroStructure, zero_structure
from sparse_core.masks.values import to_float

__all__ = [
    "BadGroups",
    "GroupCounts",
    "Layout",
    "Moments",
    "PackedMask",
    "Run",
    "ZeroStructure",
    "bad_group_positions",
    "count_groups",
    "empty_words",
    "group_of",
    "layout_of",
    "merge",
    "moments",
    "pack",
    "pack_nonzero",
    "project",
    "project_straddling",
    "scan_chunk",
    "surplus_plane",
    "survey_groups",
    "to_float",
    "unpack",
    "zero_structure",
]
