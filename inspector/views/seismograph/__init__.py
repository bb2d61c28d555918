"""The seismograph: layers by steps, red where masks move, grey where they are frozen."""

from inspector.views.seismograph.seismograph import Seismograph, Strip

__all__ = ["Seismograph", "Strip"]
