"""The statistics, against values computed once with SciPy 1.x and statsmodels."""

import pytest

from tools.evaluate.asking import Answered
from tools.evaluate.comparing import Comparison, compare, mcnemar
from tools.evaluate.summary import latencies, rolling, summarize, wilson


def answers(outcomes: str, seconds: float = 1.0) -> list[Answered]:
    """One answer for each letter: + is right, - wrong, ? unreadable, t too late, e an error."""
    named = {"+": "right", "-": "wrong", "?": "unreadable", "t": "timeout", "e": "error"}
    return [
        Answered.model_validate(
            {"number": place, "outcome": named[letter], "seconds": seconds, "expected": "42"}
        )
        for place, letter in enumerate(outcomes, 1)
    ]


def compared(**outcomes: str) -> Comparison:
    times = {"draft": 1.0, "check": 2.0, "vote": 3.0}
    found = compare({name: answers(each, times[name]) for name, each in outcomes.items()})
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("right", "asked", "low", "high"),
    [
        (0, 8, 0.0, 0.3244075649),
        (8, 8, 0.6755924351, 1.0),
        (1, 10, 0.0178762131, 0.4041500268),
        (162, 200, 0.7499876129, 0.8583282847),
        (200, 256, 0.7266556786, 0.8275284022),
    ],
)
def test_the_interval(right: int, asked: int, low: float, high: float) -> None:
    interval = wilson(right, asked)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize(
    ("first", "second", "p"),
    [
        (0, 0, 1.0),
        (0, 5, 0.0625),
        (1, 9, 0.021484375),
        (14, 3, 0.012725830078125),
        (26, 55, 0.001688638072721023),
        (10, 10, 1.0),
        (200, 300, 8.940066542253288e-06),
    ],
)
def test_the_paired_test(first: int, second: int, p: float) -> None:
    assert mcnemar(first, second) == pytest.approx(p)


def test_percentiles_are_times_that_were_measured() -> None:
    found = latencies(
        [each.model_copy(update={"seconds": 0.1 * each.number}) for each in answers("+-" * 50)]
    )
    assert found == pytest.approx({"p50": 5.0, "p90": 9.0, "p95": 9.5, "p99": 9.9, "max": 10.0})


def test_what_did_not_arrive_has_no_latency() -> None:
    assert latencies(answers("te")) == {}
    assert latencies(answers("+?", 1.0) + answers("tt", 60.0))["max"] == 1.0


def test_the_window_forgets_and_the_score_is_a_power() -> None:
    summary = summarize(answers("----++++++-+"), window=8, temperature=2.0, seconds=1.0)
    assert summary.accuracy == pytest.approx(7 / 12)
    assert summary.window.asked == 8
    assert summary.window.accuracy == 7 / 8
    assert summary.window.performance == (7 / 8) ** 2


def test_the_rolling_accuracy_is_that_of_the_window() -> None:
    shares = [share for share, _ in rolling(answers("+-++--"), 3)]
    assert shares == pytest.approx([1, 1 / 2, 2 / 3, 2 / 3, 2 / 3, 1 / 3])


def test_p_values_allow_for_the_number_of_pairs() -> None:
    # draft against check 0 : 8, draft against vote 0 : 12, check against vote 0 : 4.
    found = compared(draft="-" * 12 + "+" * 8, check="-" * 4 + "+" * 16, vote="+" * 20)
    raw = {(pair.first, pair.second): pair.p for pair in found.pairs}
    raised = {(pair.first, pair.second): pair.p_adjusted for pair in found.pairs}
    assert raw == {
        ("draft", "check"): 2 / 2**8,
        ("draft", "vote"): 2 / 2**12,
        ("check", "vote"): 2 / 2**4,
    }
    assert raised == {
        ("draft", "check"): 2 * 2 / 2**8,
        ("draft", "vote"): 3 * 2 / 2**12,
        ("check", "vote"): 2 / 2**4,
    }


def test_a_clear_winner_is_recommended_for_sure() -> None:
    found = compared(draft="-" * 10 + "+" * 10, vote="+" * 20)
    assert (found.strategy, found.sure) == ("vote", True)
    assert found.reasons == ["draft (50.0%) is less accurate than vote (100.0%): p = 0.002."]


def test_what_cannot_be_told_apart_is_said_and_the_fastest_recommended() -> None:
    found = compared(draft="--" + "+" * 18, check="-+" + "+" * 18, vote="+" * 20)
    assert (found.strategy, found.sure) == ("draft", False)
    assert found.reasons[0].startswith(
        "The 20 questions cannot tell draft (90.0%) from vote (100.0%): p = 1.000. About "
    )
    assert "draft is the fastest" in found.reasons[2]


def test_a_worse_one_is_left_out_of_the_undecided() -> None:
    found = compared(draft="-" * 20, check="-" + "+" * 19, vote="+" * 20)
    assert (found.strategy, found.sure) == ("check", False)
    assert found.reasons[-1] == "draft (0.0%) is less accurate than vote (100.0%): p < 0.001."


def test_the_questions_needed_are_those_of_the_published_formula() -> None:
    # Connor 1987 for 5% and 80%: 15 discordant in 100, 12 against 3.
    [pair] = compared(draft="-" * 12 + "+" * 88, vote="+" * 12 + "-" * 3 + "+" * 85).pairs
    assert (pair.only_first_right, pair.only_second_right) == (3, 12)
    assert pair.questions_needed == 143


def test_only_common_questions_are_compared() -> None:
    found = compared(draft="-+" + "-" * 10, vote="++")
    assert found.asked == 2
    assert found.reasons[0].startswith("The 2 questions cannot tell draft (50.0%) from vote")


def test_nothing_is_recommended_where_nothing_was_right() -> None:
    found = compared(draft="--et", vote="----")
    assert (found.strategy, found.sure) == ("", False)
