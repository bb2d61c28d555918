"""Which parts of a nested file are models.

A training script saves ``{"state_dict": ..., "optimizer": ..., "ema": ...}``. Each container of
tensors that is not optimizer, scheduler or metric state is a model. A dict is taken apart into
several containers at the top of the file, and further down only where a key says so (``model``,
``ema``, ``optimizer``); any other nested dict is one model whose names are joined by dots.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

import msgspec

from sparse_core.checkpoints.arrays import Source
from sparse_core.checkpoints.pickles.values import Opaque, Unlisted, Wrapper
from sparse_core.checkpoints.unreadable import Unreadable

Leaf = Source | Wrapper
MAX_DEPTH = 64

_MODEL_WORDS = frozenset(
    {
        "model", "models", "state_dict", "model_state_dict", "module", "net", "network", "ema",
        "model_ema", "ema_model", "state_dict_ema", "ema_state_dict", "teacher", "student",
        "generator", "discriminator", "weights", "params",
    }
)  # fmt: skip
_OTHER_TOKENS = frozenset(
    {
        "optimizer", "optimizers", "optim", "scheduler", "schedulers", "sched", "lr",
        "scaler", "scalers", "amp", "rng", "random", "metric", "metrics", "meter", "meters",
        "history", "loops", "callbacks", "hyper", "hparams", "args", "cfg", "config",
        "sparsifier",
    }
)  # fmt: skip
_OTHER_ENDINGS = frozenset({"mask", "masks", "opt"})
_TOKENS = re.compile(r"[a-z]+")


class Model(msgspec.Struct, frozen=True, eq=False):
    """One container of tensors.

    Attributes
    ----------
    key : str
        Where it lies in the file, ``a/b``; "" is the top.
    tensors : dict
        Its tensors by name.
    elements : int
        Elements of all of them, ties counted each time.
    """

    key: str
    tensors: dict[str, Leaf]
    elements: int


class Findings(msgspec.Struct, frozen=True, eq=False):
    """Everything a file holds.

    Attributes
    ----------
    models : tuple of Model
        The largest first, then in the order of the file.
    others : int
        Tensors that belong to no model.
    masks : dict
        Tensors of tables of masks that lie apart from the models, by the name of their weight.
    unlisted : tuple of str
        Sentences about tensors of kinds that are not read.
    kinds : tuple of str
        Classes of objects that were not made.
    words : frozenset of str
        Every text key outside of the models, to tell writers by.
    values : mapping
        Texts and numbers at the top of the file.
    """

    models: tuple[Model, ...]
    others: int
    masks: dict[str, Source]
    unlisted: tuple[str, ...]
    kinds: tuple[str, ...]
    words: frozenset[str]
    values: Mapping[str, object]


def survey(tree: Mapping[object, object]) -> Findings:
    """Find the models of a file.

    Raises
    ------
    Unreadable
        If there is none, or the tree is deeper than any checkpoint.
    """
    walk = _Walk()
    if tree and all(isinstance(k, str) and isinstance(v, Source) for k, v in tree.items()):
        walk.add_model((), cast("dict[str, Leaf]", tree))
    else:
        walk.visit(tree, ())
    if not walk.models:
        raise Unreadable(_why_no_model(walk))
    ranked = sorted(walk.models, key=lambda model: -model.elements)
    return Findings(
        models=tuple(ranked),
        others=walk.others,
        masks=walk.masks,
        unlisted=tuple(walk.unlisted),
        kinds=tuple(sorted(walk.kinds)),
        words=frozenset(walk.words),
        values={
            key: value
            for key, value in tree.items()
            if isinstance(key, str) and isinstance(value, (str, int, float))
        },
    )


def _why_no_model(walk: "_Walk") -> str:
    if walk.others:
        return (
            "it holds optimizer, scheduler or metric state and no model: open the file of the "
            "model beside it."
        )
    if walk.unlisted:
        return f"{walk.unlisted[0]}; there is nothing else in it."
    if walk.kinds:
        kinds = ", ".join(sorted(walk.kinds)[:3])
        return (
            f"it holds pickled objects ({kinds}) and no dict of tensors: load it where it was "
            "made and save the model's state_dict()."
        )
    return "there is no tensor in it: it is no checkpoint."


class _Walk:
    """One pass over the tree. Every container is visited once, however often it is referred to."""

    def __init__(self) -> None:
        self.models: list[Model] = []
        self.others = 0
        self.masks: dict[str, Source] = {}
        self.unlisted: list[str] = []
        self.kinds: set[str] = set()
        self.words: set[str] = set()
        self.seen: set[int] = set()

    def visit(self, node: object, path: tuple[str, ...]) -> None:
        """Sort what lies under ``node`` into models and the rest."""
        items = self.enter(node, len(path))
        apart = [is_apart(key, value) for key, value in items]
        direct = [(key, value) for key, value in items if isinstance(value, Leaf)]
        splits = any(apart) or any(
            key.lower() in _MODEL_WORDS and _is_container(value) for key, value in items
        )
        if (path or direct) and not splits:
            tensors = _named_once(self.flatten(items, "", len(path)))
            self.add_model(path, tensors)
            self.words.update(() if tensors else (key for key, _ in items))
            return
        self.words.update(key for key, _ in items)
        if _is_bookkeeping(direct):
            self.others += len(direct)
        else:
            self.add_model(path, _named_once(direct))
        for (key, value), is_other in zip(items, apart, strict=True):
            if isinstance(value, Leaf):
                continue
            if is_other:
                self.count_others(key, value, len(path) + 1)
            elif _is_container(value):
                self.visit(value, (*path, key))
            else:
                self.note_stray(key, value)

    def enter(self, node: object, depth: int) -> list[tuple[str, object]]:
        """Give the items of a container; none if it was entered before."""
        if depth > MAX_DEPTH:
            raise Unreadable(f"its contents are nested deeper than {MAX_DEPTH} levels.")
        if id(node) in self.seen:
            return []
        self.seen.add(id(node))
        if isinstance(node, Mapping):
            return [(key if isinstance(key, str) else _spell(key), node[key]) for key in node]
        if isinstance(node, (list, tuple)):
            return [(str(place), value) for place, value in enumerate(node) if _matters(value)]
        return []

    def flatten(
        self, items: list[tuple[str, object]], prefix: str, depth: int
    ) -> Iterator[tuple[str, Leaf]]:
        """Give the tensors under ``items``, their names joined by dots."""
        for key, value in items:
            if isinstance(value, Leaf):
                yield prefix + key, value
            elif _is_container(value):
                yield from self.flatten(self.enter(value, depth + 1), f"{prefix}{key}.", depth + 1)
            else:
                self.note_stray(prefix + key, value)

    def add_model(self, path: tuple[str, ...], tensors: dict[str, Leaf]) -> None:
        if tensors:
            sources = (leaf for leaf in tensors.values() if isinstance(leaf, Source))
            elements = sum(source.elements for source in sources)
            self.models.append(Model("/".join(path), tensors, elements))

    def count_others(self, key: str, value: object, depth: int) -> None:
        """Count the tensors of optimizers and their kind; keep tables of masks."""
        if isinstance(value, Leaf):
            self.others += 1
            return
        items = self.enter(value, depth)
        if "groups" in dict(items) or "mask" in key.lower():
            self.masks.update(_mask_table(dict(items)))
        for name, item in items:
            if len(name) < 64:
                self.words.add(name)
            self.count_others(f"{key}.{name}", item, depth + 1)

    def note_stray(self, key: str, value: object) -> None:
        """Remember what is neither tensor nor container."""
        if isinstance(value, Unlisted):
            self.unlisted.append(f"{key} {value.reason}")
        elif isinstance(value, Opaque):
            self.kinds.add(value.kind)


def is_apart(key: str, value: object) -> bool:
    """Whether an item of a dict is state of something that is no model."""
    if not (_is_container(value) or isinstance(value, Leaf)):
        return False
    tokens = _TOKENS.findall(key.lower())
    if not _OTHER_TOKENS.isdisjoint(tokens) or not _OTHER_ENDINGS.isdisjoint(tokens[-1:]):
        return not isinstance(value, Leaf) or _is_bookkeeping([(key, value)])
    if isinstance(value, Mapping):
        return "param_groups" in value or ("last_epoch" in value and "base_lrs" in value)
    return False


def _is_container(value: object) -> bool:
    return isinstance(value, (Mapping, list, tuple))


def _matters(value: object) -> bool:
    """Whether an item of a list is more than a number or a text, of which there may be millions."""
    return isinstance(value, Leaf | Mapping | list | tuple | Opaque | Unlisted)


def _is_bookkeeping(leaves: Sequence[tuple[str, object]]) -> bool:
    """Whether tensors beside models are counters and generator states rather than weights."""
    return all(
        isinstance(leaf, Source)
        and (leaf.elements <= 1 or (leaf.dtype.name == "uint8" and len(leaf.shape) == 1))
        for _, leaf in leaves
    )


def _named_once(tensors: Iterable[tuple[str, Leaf]]) -> dict[str, Leaf]:
    named: dict[str, Leaf] = {}
    for name, leaf in tensors:
        if name in named:
            raise Unreadable(f"two of its tensors would bear the same name, {name!r}.")
        named[name] = leaf
    return named


def _mask_table(items: dict[str, object]) -> dict[str, Source]:
    """Give the masks of ``{weight: mask}``, or of a sparsifier's ``{weight: {"mask": mask}}``."""
    state = items.get("state")
    table = state if isinstance(state, Mapping) else items
    found: dict[str, Source] = {}
    for name, value in table.items():
        mask = value.get("mask") if isinstance(value, Mapping) else value
        if isinstance(name, str) and isinstance(mask, Source):
            found[name] = mask
    return found


def _spell(key: object) -> str:
    return str(key) if isinstance(key, (int, float, bool, bytes, type(None))) else "?"
