"""The window: a rail of pages, open checkpoints as tabs, and what the cores have to say.

``MainWindow`` puts the parts together: the frame they stand in, the open files, the cores'
speech, the preferences, the journey back and forth, and the search over commands and tensors.
"""

from inspector.main_window.window import SIZE, MainWindow

__all__ = ["SIZE", "MainWindow"]
