"""The arithmetic of the oddities comes out as it does by hand."""

import pytest

from traitlens.reproduction import oddities, oddities_table

# What must be found in the arithmetic of each point.
SETTLED = [
    ("table 3 at p = 0", "4.83 points apart"),
    ("table 3 at p = 0", "gains 5.75 over the first and 10.58 over the second"),
    ("table 5's all_collections", "5.68 / 6.85 / 6.90 points apart"),
    ("table 5's all_collections", "zero-shot rows are equal"),
    ("Savage Droids", "1.00, 5.00, 10.00 hits"),
    ("Savage Droids", "0.0365%, 0.1823%, 0.3646%: exactly chance"),
    ("p = 0.3 and p = 0.5", "0.11 points, 162 of 147,615 queries"),  # .0011 x 147,615 = 162.4
    ("p = 0.3 and p = 0.5", "0.7 standard errors"),  # .0011 / sqrt(2 x .176 / 147,615) = .71
    ("multiples of 1/N", "30 of 30"),
    ("multiples of 1/N", "59 of 60"),
    ("multiples of 1/N", "ShinseiGalverse's 1.31% of 8,889"),  # 116 are 1.305, 117 are 1.316
    ("sizes", "6,187,959 and 793,860: 9,710 more, as many as BanaCat has"),
    ("sizes", "838 fewer in mini, which leaving that collection out would make 1,838"),
    ("sizes", "Etherbanullas (749 tokens) is Etherbananas"),
    ("headline", "7.44 points, as printed; mini has 12.9%"),
    ("CVI and the size", "top-1 0.99, N -0.81, lift over chance 1.00, multiples of chance 0.52"),
    ("cosines", "0.0002 at N = 5,049 at most, 5.6 times less"),  # 1.98e-4 and 1.1e-3
]


@pytest.mark.parametrize(("point", "said"), SETTLED)
def test_the_arithmetic_comes_out(point: str, said: str) -> None:
    (found,) = [each for each in oddities() if point in each.name]
    assert said in found.arithmetic


def test_each_says_what_is_done_here() -> None:
    table = oddities_table()
    assert len(table.rows) == len(oddities()) == 9
    assert all(cell for row in table.rows for cell in row)
