"""How numbers are written in tables, figures and pages: digits, a true minus sign, a dash for no value."""

from __future__ import annotations

import math


def minus(text: str) -> str:
    """The text of a number with a true minus sign in place of the hyphen."""
    return text.replace("-", "−")


def fixed(value: float, digits: int = 2) -> str:
    """``30.12``, ``−0.12``; never a minus zero, and no value is a dash."""
    if math.isnan(value):
        return "–"
    text = f"{value:.{digits}f}"
    return minus(text.removeprefix("-") if float(text) == 0 else text)


def with_interval(mean: float, low: float, high: float, digits: int = 2) -> str:
    """``30.12 [29.01, 31.20]``; without an interval (a single image) only the mean; no value is a dash."""
    if math.isnan(mean) or math.isnan(low):
        return fixed(mean, digits)
    return f"{fixed(mean, digits)} [{fixed(low, digits)}, {fixed(high, digits)}]"


def signed(value: float, digits: int = 2) -> str:
    """``+0.12``, ``−0.12``, and ``0.00`` without a sign; no value is a dash."""
    text = fixed(value, digits)
    return f"+{text}" if round(value, digits) > 0 else text


def p_value(p: float) -> str:
    """``0.012``, ``< 0.001``; none is a dash."""
    return "–" if math.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def sci(value: float) -> str:
    """``1.2e−7``, ``0.15``; no value (nothing of that kind was measured) is a dash, infinite ``refused``."""
    if math.isnan(value):
        return "–"
    if not math.isfinite(value):
        return "refused"
    rounded = float(f"{value:.1e}") + 0.0  # 99.7 is written as 100 is; no minus zero
    if rounded == 0 or 0.001 <= abs(rounded) < 100:
        return minus(f"{rounded:.2g}")
    mantissa, exponent = f"{value:.1e}".split("e")
    return minus(f"{mantissa}e{int(exponent)}")
