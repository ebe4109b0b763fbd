"""From the counts of several looks to the points of curves."""

import pytest

from tools.playground.history import LOOKS_KEPT, History, Line, per, under
from tools.playground.metrics import Metrics

URL = "http://miner:8001"
PER_MINUTE = per(60, lambda look: look.requests)
MEDIAN = under(0.5, lambda look: look.requests_took)

Counts = dict[str, float]
NAMES = {
    "complete": 'requests_total{component="complete",status="200"}',
    "feedback": 'requests_total{component="feedback",status="200"}',
    "other": 'requests_total{component="other",status="200"}',
    "fast": 'request_duration_seconds_bucket{component="complete",status="200",le="1"}',
    "slow": 'request_duration_seconds_bucket{component="complete",status="200",le="3"}',
    "all": 'request_duration_seconds_bucket{component="complete",status="200",le="+Inf"}',
    "refused": 'errors_total{component="other",error="not_found",status="404"}',
    "failed": 'errors_total{component="complete",error="timeout",status="504"}',
    "in_work": "in_flight_runs",
}


def metrics(counts: Counts) -> Metrics:
    lines = [f"playbook_miner_{NAMES[name]} {value}\n" for name, value in counts.items()]
    return Metrics.read("".join(lines))


def seen(*looks: tuple[float, Counts]) -> History:
    """A miner looked at at these times, with what it had counted."""
    history = History()
    for at, counts in looks:
        history = history.after(URL, metrics(counts), at)
    return history


def heights(history: History, line: Line) -> list[float | None]:
    return [height for _, height in history.points(line)]


def test_a_rate_is_of_the_time_that_went_by() -> None:
    history = seen((100, {"complete": 4}), (130, {"complete": 10}), (140, {"complete": 10}))
    assert history.points(PER_MINUTE) == [(100, 12), (130, 12), (140, 9)]


def test_one_look_shows_nothing() -> None:
    assert seen((100, {"complete": 4})).points(PER_MINUTE) == []


def test_looking_is_not_counted() -> None:
    history = seen((0, {"complete": 1, "other": 3}), (30, {"complete": 2, "other": 6}))
    assert heights(history, PER_MINUTE) == [2, 2]


def test_a_point_forgets_what_was_more_than_a_minute_ago() -> None:
    counts = [0, *[12] * 15]
    history = seen(*((5.0 * n, {"complete": count}) for n, count in enumerate(counts)))
    assert heights(history, PER_MINUTE)[1] == 144
    assert heights(history, PER_MINUTE)[12:14] == [12, 0]


def test_after_a_long_pause_a_point_is_of_the_pause() -> None:
    history = seen((0, {"complete": 0}), (5, {"complete": 9}), (605, {"complete": 29}))
    assert heights(history, PER_MINUTE)[-1] == 2


def test_a_clock_set_back_leaves_a_gap() -> None:
    history = seen((100, {"complete": 4}), (90, {"complete": 10}))
    assert heights(history, PER_MINUTE) == [None, None]


def test_a_quantile_is_of_the_new_requests_and_a_gap_without_any() -> None:
    before = {"fast": 0, "slow": 50, "all": 50}
    after = {"fast": 4, "slow": 54, "all": 54}
    history = seen((0, before), (100, after), (200, after))
    assert heights(history, MEDIAN) == [0.5, 0.5, None]


def test_what_appears_later_began_at_zero() -> None:
    history = seen((0, {"complete": 1}), (60, {"complete": 1, "feedback": 5, "failed": 2}))
    assert heights(history, PER_MINUTE) == [5, 5]
    assert heights(history, per(60, lambda look: look.errors.get("failed", 0))) == [2, 2]


def test_errors_are_told_apart_on_any_path() -> None:
    history = seen((0, {"refused": 1, "failed": 1}), (60, {"refused": 4, "failed": 2}))
    assert heights(history, per(60, lambda look: look.errors.get("refused", 0)))[-1] == 3
    assert heights(history, per(60, lambda look: look.errors.get("failed", 0)))[-1] == 1


def test_what_is_in_work_is_that_of_each_look() -> None:
    history = seen((0, {"in_work": 3}), (5, {"in_work": 0}), (10, {}))
    assert heights(history, lambda span: span.told.in_work) == [3, 0, None]


@pytest.mark.parametrize(
    "after",
    [
        {"complete": 3, "feedback": 2},
        {"complete": 3, "feedback": 20},
        {"feedback": 2},
    ],
    ids=["all lower", "one lower though there are more in all", "one gone"],
)
def test_a_miner_that_restarted_begins_anew(after: Counts) -> None:
    history = seen((0, {"complete": 5, "feedback": 2}), (5, {"complete": 9, "feedback": 2}))
    assert not history.restarted
    history = history.after(URL, metrics(after), 10)
    assert history.restarted
    assert [look.at for look in history.looks] == [10]
    more = {name: count + 1 for name, count in after.items()}
    history = history.after(URL, metrics(more), 70)
    assert history.restarted
    assert heights(history, PER_MINUTE) == [len(after), len(after)]


def test_work_that_ends_is_no_restart() -> None:
    assert not seen((0, {"in_work": 3}), (5, {"in_work": 1})).restarted


def test_another_miner_begins_anew() -> None:
    history = seen((0, {"complete": 5}), (5, {"complete": 9}))
    history = history.after("http://other:8001", metrics({"complete": 1}), 10)
    assert (history.url, len(history.looks)) == ("http://other:8001", 1)
    assert not history.restarted


def test_only_the_last_looks_are_kept() -> None:
    history = seen(*((float(n), {"complete": n}) for n in range(LOOKS_KEPT + 10)))
    points = history.points(PER_MINUTE)
    assert (points[0], points[-1]) == ((10.0, 60), (LOOKS_KEPT + 9.0, 60))
    assert len(points) == LOOKS_KEPT
