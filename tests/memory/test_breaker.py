"""What is left alone for a while, and who tries it again."""

import time

from memory import CircuitBreaker

MOMENT = 0.05


def test_after_a_rest_one_caller_tries_and_the_others_wait() -> None:
    breaker = CircuitBreaker()
    breaker.rest(MOMENT)
    assert not breaker.allow()
    time.sleep(MOMENT)
    assert [breaker.allow() for _ in range(3)] == [True, False, False]
    breaker.succeeded()
    assert breaker.allow()
    assert not breaker.resting


def test_a_trial_that_fails_is_a_new_rest() -> None:
    breaker = CircuitBreaker(trial_seconds=MOMENT)
    breaker.rest(0)
    assert breaker.allow()
    breaker.failed()
    time.sleep(MOMENT)
    assert breaker.resting


def test_a_trial_of_which_nothing_is_heard_is_made_again() -> None:
    breaker = CircuitBreaker(trial_seconds=MOMENT)
    breaker.rest(0)
    assert breaker.allow()
    time.sleep(MOMENT)
    assert breaker.allow()


def test_failures_trip_by_their_share_and_not_by_their_number() -> None:
    breaker = CircuitBreaker()
    for _ in range(4):
        breaker.failed()
    assert breaker.allow()
    for _ in range(6):
        breaker.succeeded()
    breaker.failed()
    assert breaker.allow()
    breaker.failed()
    assert not breaker.allow()
