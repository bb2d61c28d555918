"""Widgets, each reusable and alone: they get values and a theme, and know no page and no core."""
