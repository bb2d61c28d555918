"""Models in several files, listed by an index (``*.index.json``)."""

import msgspec

from sparse_core.checkpoints import one_file
from sparse_core.checkpoints.content import Content
from sparse_core.checkpoints.files import SourceFile
from sparse_core.checkpoints.location import Location
from sparse_core.checkpoints.places import inside
from sparse_core.checkpoints.source_file import source_file
from sparse_core.checkpoints.unreadable import Unreadable

MAX_INDEX_BYTES = 1 << 28


class _Index(msgspec.Struct, frozen=True):
    weight_map: dict[str, str]


def read(index: SourceFile) -> Content:
    """Read the headers of all shards.

    Raises
    ------
    Unreadable
        If the index leaves its folder, a shard is missing, or they disagree.
    """
    folder = index.path.parent
    weight_map = _weight_map(index)
    tree: dict[object, object] = {}
    files = [index]
    metadata: dict[str, str] = {}
    kind = ""
    for shard in sorted(set(weight_map.values())):
        content = _shard(folder, shard)
        kind = content.format
        _check_agreement(shard, content, weight_map)
        tree.update(content.tree)
        files.extend(content.files)
        metadata.update(content.metadata)
    if len(tree) != len(weight_map):
        raise Unreadable("its shards hold the same tensor twice.")
    return Content(f"{kind}, {len(files) - 1} shards", tree, tuple(files), folder, metadata)


def _weight_map(index: SourceFile) -> dict[str, str]:
    if index.size > MAX_INDEX_BYTES:
        raise Unreadable("it is too large for an index.")
    try:
        weight_map = msgspec.json.decode(index.read_at(0, index.size), type=_Index).weight_map
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"it is no index of shards ({error}).") from error
    if not weight_map:
        raise Unreadable("its index lists no tensor.")
    return weight_map


def _shard(folder: Location, shard: str) -> Content:
    path = inside(folder, shard)
    try:
        return one_file.read(source_file(path))
    except FileNotFoundError as error:
        raise Unreadable(f"its index names {shard}, which is missing: download it.") from error
    except Unreadable as error:
        raise Unreadable(f"its shard {shard}: {error}") from error


def _check_agreement(shard: str, content: Content, weight_map: dict[str, str]) -> None:
    """Check that a shard holds exactly the tensors that the index puts into it."""
    promised = {name for name, where in weight_map.items() if where == shard}
    if promised == set(content.tree):
        return
    absent = sorted(promised - set(content.tree))
    if absent:
        raise Unreadable(f"its index puts {absent[0]!r} into {shard}, where it is not.")
    extra = sorted(str(name) for name in set(content.tree) - promised)
    raise Unreadable(f"its shard {shard} holds {extra[0]!r}, which its index does not put there.")
