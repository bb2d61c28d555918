"""What the user can do on the training page."""

from inspector.commands.command import on_page

TABLE = on_page("training")
