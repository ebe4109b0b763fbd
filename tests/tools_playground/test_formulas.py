"""Which dollars hold a formula, and which are a price."""

import pytest

from tools.playground.formulas import shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("so $x = 2$.", r"so \(x = 2\)."),
        ("$x$", r"\(x\)"),
        ("$2x + 3 = 7$ holds", r"\(2x + 3 = 7\) holds"),
        ("between $a$ and $b$", r"between \(a\) and \(b\)"),
        (r"$3 \text{ apples}$", r"\(3 \text{ apples}\)"),
        (r"$\frac{1}{2}$, $0.5$", r"\(\frac{1}{2}\), \(0.5\)"),
        ("It costs $5.", "It costs $5."),
        ("between $5 and $10", "between $5 and $10"),
        ("$5-$10", "$5-$10"),
        ("pay $20 (or 18$) now", "pay $20 (or 18$) now"),
        ("US$5 and A$6", "US$5 and A$6"),
        ("$5 for $x$ apples", r"$5 for \(x\) apples"),
        (r"escaped \$x\$", r"escaped \$x\$"),
        ("$$x$$ and $y$", r"$$x$$ and \(y\)"),
        ("`echo $A$B` and $y$", r"`echo $A$B` and \(y\)"),
        ("```\n$x$\n```\n$y$", "```\n$x$\n```\n\\(y\\)"),
        ("```\n$x$ still written", "```\n$x$ still written"),
        (r"\(x\) and \[y\]", r"\(x\) and \[y\]"),
        ("$a\n$b", "$a\n$b"),
    ],
)
def test_formulas_are_told_from_prices(text: str, expected: str) -> None:
    assert shown(text) == expected
