"""How numbers and findings are said on the screen. Percent exists only here."""

import re
from collections.abc import Sequence

LIGHT_NAMES = ("zeros", "pattern", "packed", "eligible")
LIGHT_STATES = ("no question", "yes", "no", "violated")
_UNITS = ("B", "kB", "MB", "GB", "TB")
_STEP = 1000
_TEN = 10
_MINUTE = 60
_HOUR = 3600


def shown(name: str) -> str:
    """Write a name so that it stays on its line and turns no direction: the rest shows as �."""
    if name.isprintable():
        return name
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name
    )


def shape_text(shape: Sequence[int]) -> str:
    """Write ``256 × 784``; a single number has no shape to speak of."""
    return " × ".join(str(side) for side in shape) if shape else "scalar"


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts ``epoch-10`` behind ``epoch-9``."""
    parts = re.split(r"(\d+)", name)
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts)


def short_format(name: str) -> str:
    """Write ``bf16`` for ``bfloat16``: what people say."""
    return name.replace("bfloat", "bf").replace("float", "fp")


def percent(share: float) -> str:
    """Write a share in [0, 1] with one decimal, never rounding to a false 0 or 100."""
    # 0.0005 is half of the last digit shown.
    if 0 < share < 0.0005:
        return "< 0.1 %"
    if 0.9995 <= share < 1:
        return "> 99.9 %"
    return f"{100 * share:.1f} %"


def count(number: int, one: str, many: str = "") -> str:
    """Write ``1 layer``, ``1,234 layers``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(number: int) -> str:
    """Write a number of bytes in the largest unit that leaves a digit before the point."""
    value, unit = float(number), 0
    while value >= _STEP and unit < len(_UNITS) - 1:
        value, unit = value / _STEP, unit + 1
    return (
        f"{value:.1f} {_UNITS[unit]}" if unit and value < _STEP else f"{value:.0f} {_UNITS[unit]}"
    )


def seconds(value: float) -> str:
    """Write a time as a person would say it: ``4 ms``, ``3.2 s``, ``5 min``."""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < _TEN:
        return f"{value:.1f} s"
    if value < _MINUTE:
        return f"{value:.0f} s"
    if value < _HOUR:
        return f"{value / _MINUTE:.0f} min"
    return f"{value / _HOUR:.1f} h"


def number(value: float | None) -> str:
    """Write a weight or statistic with four digits, a dash where there is none."""
    return "–" if value is None else f"{value:.4g}".replace("-", "−")


def lights_text(lights: Sequence[int]) -> str:
    """Say the lights in their order, leaving out those that are no question."""
    said = [
        f"{name} {LIGHT_STATES[state]}"
        for name, state in zip(LIGHT_NAMES, lights, strict=True)
        if state
    ]
    return ", ".join(said)
