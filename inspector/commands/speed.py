"""What the user can do on the speed page."""

from inspector.commands.command import on_page

TABLE = on_page("speed")
