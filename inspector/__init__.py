"""Sparsescope's window: draws what the core says."""
