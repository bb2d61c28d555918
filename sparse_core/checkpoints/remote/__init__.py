"""Checkpoints on the hub and in object stores, through fsspec: only what is asked for travels."""
