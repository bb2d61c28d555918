"""The run folder: what a training leaves behind, and how everybody else follows it.

A run is a folder of plain files (docs/runs.md). A live run and a run of last year are read by
the same code; whoever writes these files, in whatever program, has made a run.
"""
