"""The networks that the built-in tasks train."""
