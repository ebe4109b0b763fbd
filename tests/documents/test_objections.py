"""What may not stand in the place of a text, whoever judges it."""

import pytest

from nodes.documents import objection

OLD = (
    "The harbour was built by monks. They needed a place for their boats, which carried salt. "
    "Later the town grew around it, and the monks left for a quieter valley."
)
TASK = "Write a short text about the history of the harbour."
FAULT = "There is no date in it. Say when the monks came."


@pytest.mark.parametrize(
    ("new", "holds"),
    [
        (OLD.replace("by monks", "by monks in 1204"), False),
        (
            "In 1204 monks built the harbour for boats that carried salt. The town came later.",
            False,
        ),
        (
            "The harbour was built by monks in 1204. They needed a place for their boats, which",
            True,
        ),
        ("The harbour was built by monks in 1204.", True),
        (f"{TASK}\n\n{OLD}\n\n{FAULT}", True),
        (
            "Knead the dough for ten minutes and bake it on a hot tray. The bread is done when its "
            "base sounds hollow under a knock, which takes about forty minutes in an oven.",
            True,
        ),
    ],
)
def test_a_text_that_is_no_new_form_of_the_old_one_is_objected_to(new: str, holds: bool) -> None:
    assert bool(objection(new, OLD, f"{TASK}\n\n{FAULT}", FAULT)) is holds


@pytest.mark.parametrize(("wanted", "holds"), [("Make it shorter.", False), (FAULT, True)])
def test_only_what_asks_for_the_change_makes_a_text_shorter(wanted: str, holds: bool) -> None:
    new = "Monks built the harbour for their salt."
    assert bool(objection(new, OLD, f"{TASK}\n\n{wanted}", wanted)) is holds


@pytest.mark.timeout(20)
def test_a_request_of_digits_is_read_in_time_linear_in_its_length() -> None:
    new = "Monks built the harbour for their salt."
    assert objection(new, OLD, "7" * 150_000)
