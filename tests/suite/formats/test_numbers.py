"""How numbers are written: a true minus sign, no minus zero, a dash for no value."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from normeq.suite.formats.numbers import fixed, p_value, sci, signed, with_interval

NAN = math.nan


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (with_interval(30.125, 29.0, 31.999), "30.12 [29.00, 32.00]"),
        (with_interval(-1.5, NAN, NAN), "−1.50"),
        (with_interval(NAN, NAN, NAN), "–"),
        (with_interval(-0.00001, -0.1, 0.1, 3), "0.000 [−0.100, 0.100]"),
        (fixed(-0.004), "0.00"),
        (fixed(NAN, 4), "–"),
        (signed(0.12), "+0.12"),
        (signed(-0.12), "−0.12"),
        (signed(0.004), "0.00"),
        (signed(-0.0), "0.00"),
        (signed(NAN), "–"),
        (p_value(0.0004), "< 0.001"),
        (p_value(0.012), "0.012"),
        (p_value(NAN), "–"),
        (sci(1.23e-7), "1.2e−7"),
        (sci(-1.23e-7), "−1.2e−7"),
        (sci(0.15), "0.15"),
        (sci(0.0), "0"),
        (sci(1e5), "1.0e5"),
        (sci(99.4), "99"),
        (sci(99.7), "1.0e2"),
        (sci(100.2), "1.0e2"),
        (sci(9.96), "10"),
        (sci(0.00099996), "0.001"),
        (sci(-0.15), "−0.15"),
        (sci(-0.0), "0"),
        (sci(math.inf), "refused"),
        (sci(NAN), "–"),
    ],
)
def test_cells(text: str, expected: str) -> None:
    assert text == expected


@given(some.floats(-1e6, 1e6), some.integers(0, 5))
def test_what_is_written_is_the_number_to_its_digits(value: float, digits: int) -> None:
    for text in (fixed(value, digits), signed(value, digits)):
        assert "-" not in text and not text.lstrip("−+").startswith("−")
        assert float(text.replace("−", "-")) == round(value, digits)
    assert (signed(value, digits)[0] in "+−") == (round(value, digits) != 0)


@given(some.floats(-1e9, 1e9) | some.floats(-1, 1).map(lambda x: x**9))
def test_a_number_has_one_way_of_writing_its_two_digits(value: float) -> None:
    rounded = float(f"{value:.1e}")
    assert sci(value) == sci(rounded) and "+" not in sci(value) and "-" not in sci(value)
    assert float(sci(value).replace("−", "-")) == rounded
    assert ("e" in sci(value)) == (rounded != 0 and not 0.001 <= abs(rounded) < 100)
