"""Measuring honestly: dense and sparse interleaved, with spread and intervals. Imports torch."""
