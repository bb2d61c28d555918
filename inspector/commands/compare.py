"""What the user can do on the compare page."""

from inspector.commands.command import on_page

TABLE = on_page("compare")
