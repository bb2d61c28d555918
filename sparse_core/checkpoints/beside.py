"""Files that lie beside a checkpoint and say who made it."""

from collections.abc import Mapping

import msgspec

from sparse_core.checkpoints.location import Location

MAX_CONFIG_BYTES = 1 << 24
MAX_RECIPE_BYTES = 1 << 16


class Beside(msgspec.Struct, frozen=True, eq=False):
    """What was found; empty where nothing was.

    Attributes
    ----------
    config : mapping
        ``config.json`` as decoded.
    recipe : str
        Text of ``recipe.yaml``.
    modelopt : bool
        Whether ``modelopt_state.pth`` lies there.
    """

    config: Mapping[str, object] = {}
    recipe: str = ""
    modelopt: bool = False

    @property
    def quantization(self) -> Mapping[str, object]:
        """``quantization_config``, or ``compression_config`` as very old files call it."""
        for key in ("quantization_config", "compression_config"):
            found = self.config.get(key)
            if isinstance(found, dict):
                return found
        return {}

    @property
    def sparsity(self) -> Mapping[str, object]:
        """``sparsity_config`` of compressed-tensors."""
        found = self.quantization.get("sparsity_config")
        return found if isinstance(found, dict) else {}


def look_beside(folder: Location) -> Beside:
    """Read what lies beside a checkpoint; what cannot be read is as if it were not there."""
    return Beside(
        config=_config(folder / "config.json"),
        recipe=_text(folder / "recipe.yaml", MAX_RECIPE_BYTES).decode("utf-8", "replace"),
        modelopt=(folder / "modelopt_state.pth").is_file(),
    )


def _config(path: Location) -> Mapping[str, object]:
    try:
        return msgspec.json.decode(_text(path, MAX_CONFIG_BYTES) or b"{}", type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def _text(path: Location, limit: int) -> bytes:
    try:
        if not path.is_file() or path.stat().st_size > limit:
            return b""
        return path.read_bytes()
    except OSError:
        return b""
