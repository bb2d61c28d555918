"""Tokens that can be read, maps that can be told apart, a theme that follows the system."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from inspector.theme import DARK, LIGHT, SchemeFollower, Theme
from inspector.theme.maps import cividis, rgb
from inspector.theme.scheme import choose

pytestmark = pytest.mark.gui

ENOUGH = 4.5
THEMES = pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])


def luminance(name: str) -> float:
    parts = [part / 255 for part in rgb(name)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@THEMES
@pytest.mark.parametrize("ink", ["text", "dim", "accent", "ok", "look", "bad"])
@pytest.mark.parametrize("ground", ["background", "panel", "chip", "selection"])
def test_every_ink_can_be_read_on_every_ground(theme: Theme, ink: str, ground: str) -> None:
    assert contrast(getattr(theme, ink), getattr(theme, ground)) >= ENOUGH


@THEMES
def test_text_can_be_read_on_a_pressed_button(theme: Theme) -> None:
    assert contrast(theme.on_accent, theme.accent) >= ENOUGH


@THEMES
@pytest.mark.parametrize("plane", ["density", "violation", "mask", "magnitude", "value"])
def test_maps_are_opaque_and_whole(theme: Theme, plane: str) -> None:
    table = theme.colour_map(plane)
    assert len(table) == 256
    assert all(colour >> 24 == 0xFF for colour in table)


@THEMES
def test_the_faintest_violation_stands_out_from_none(theme: Theme) -> None:
    none, faintest, *_, worst = theme.colour_map("violation")
    distance = sum(abs((none >> s & 255) - (faintest >> s & 255)) for s in (0, 8, 16))
    assert distance > 60
    assert worst & 0xFFFFFF == int(theme.bad[1:], 16)


def test_cividis_grows_in_lightness_throughout() -> None:
    lightness = [luminance(f"#{colour & 0xFFFFFF:06x}") for colour in cividis()]
    assert lightness == sorted(lightness)


@THEMES
def test_the_value_map_keeps_signs_and_missing_numbers_apart(theme: Theme) -> None:
    table = theme.colour_map("value")
    assert len({table[0], table[1], table[128], table[255]}) == 4


def test_the_wish_goes_before_the_system_and_the_system_before_the_guess() -> None:
    scheme = Qt.ColorScheme
    assert choose("dark", scheme.Light, 255) is DARK
    assert choose("light", scheme.Dark, 0) is LIGHT
    assert choose("system", scheme.Dark, 255) is DARK
    assert choose("system", scheme.Light, 0) is LIGHT
    assert choose("system", scheme.Unknown, 239) is LIGHT
    assert choose("system", scheme.Unknown, 40) is DARK


def test_a_new_wish_changes_palette_and_tells(qapp: QApplication) -> None:
    follower = SchemeFollower(qapp, "light")
    heard: list[Theme] = []
    follower.changed.connect(heard.append)
    follower.wish("dark")
    follower.wish("dark")
    assert heard == [DARK]
    assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(DARK.background)


def test_the_system_is_followed_while_the_program_runs(qapp: QApplication) -> None:
    follower = SchemeFollower(qapp, "system")
    before = follower.theme
    hints = qapp.styleHints()
    other = Qt.ColorScheme.Light if before.dark else Qt.ColorScheme.Dark
    hints.setColorScheme(other)
    if hints.colorScheme() == Qt.ColorScheme.Unknown:
        # A platform without schemes keeps to what it came with.
        hints.colorSchemeChanged.emit(other)
        assert follower.theme is before
    else:
        assert follower.theme is not before
    hints.unsetColorScheme()
