"""The layers of a checkpoint: filter on top, the tree below."""

from inspector.views.layer_list.layer_list import LayerList

__all__ = ["LayerList"]
