"""Counting and cutting tokens."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.llm.tokens import TokenCounter

COUNTER = TokenCounter()
PROSE = "The quick brown fox jumps over the lazy dog, and nobody minds. "


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("Hello", 1), ("Hello world", 2), ("日本", 3), ("\ud800", 1)]
)
def test_known_texts_have_known_counts(text: str, tokens: int) -> None:
    assert COUNTER.count(text) == tokens


@pytest.mark.parametrize("unit", [PROSE, "x = [1, 2]\n", "日本語のテキスト。", "👩‍👩‍👧", " "])
def test_a_long_text_is_estimated_close_and_never_much_under(unit: str) -> None:
    half = unit * (150_000 // len(unit))
    exact = 2 * COUNTER.count(half)
    assert 0.98 * exact <= COUNTER.count(half + half) <= 1.1 * exact


def test_a_mixed_text_is_not_underestimated() -> None:
    prose, chinese = PROSE * 3_000, "日本語のテキスト。" * 10_000
    assert COUNTER.count(prose + chinese) >= COUNTER.count(prose) / 1.1 + COUNTER.count(chinese)


@pytest.mark.parametrize("keep", ["start", "end"])
@pytest.mark.parametrize("room", [1, 10, 500, 3_000])
def test_a_cut_keeps_most_of_what_fits(keep: str, room: int) -> None:
    text = PROSE * 2_000
    kept = COUNTER.cut(text, room, keep=keep)
    assert text.startswith(kept) if keep == "start" else text.endswith(kept)
    assert room * 0.9 - 1 <= COUNTER.count(kept) <= room


def test_a_cut_may_keep_more_than_is_tokenized_at_once() -> None:
    text = PROSE * 10_000
    kept = COUNTER.cut(text, 80_000)
    assert text.startswith(kept)
    assert 60_000 <= COUNTER.count(kept) <= 80_000


def test_what_fits_is_left_alone() -> None:
    for keep in ("start", "end"):
        assert COUNTER.cut(PROSE, COUNTER.count(PROSE), keep=keep) == PROSE
        assert COUNTER.cut(PROSE, 0, keep=keep) == ""
        assert COUNTER.cut("", 5, keep=keep) == ""


@settings(deadline=None)
@given(
    st.text(alphabet=st.characters(), max_size=300),
    st.integers(0, 50),
    st.sampled_from(["start", "end"]),
)
def test_a_cut_always_fits(text: str, room: int, keep: str) -> None:
    kept = COUNTER.cut(text, room, keep=keep)
    assert text.startswith(kept) if keep == "start" else text.endswith(kept)
    assert COUNTER.count(kept) <= room
