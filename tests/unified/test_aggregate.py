"""Voting: what counts as the same answer, what is told of the vote, and when the model decides."""

import httpx
import pytest

from orchestrator import NO_UPDATE, Json, ask, body
from scripted import Scripted

ESSAY = "There is much to be said on either side of this question, and no short answer to it. " * 2


def output(said: str, notebook: str = NO_UPDATE, component: str = "complete") -> Json:
    """An earlier response."""
    told = {"immediate_response": said, "notebook": notebook}
    return {"task": "t", "input": [{"user_query": "q"}], "output": told, "component": component}


async def vote(client: httpx.AsyncClient, *said: str | Json) -> str:
    """What `aggregate` says to these answers."""
    outputs = [output(each) if isinstance(each, str) else each for each in said]
    answered = await ask(client, "aggregate", body("c", "Count", ["What is it?"], outputs))
    response: str = answered["output"]["immediate_response"]
    return response


SPELLINGS = [
    ("Answer: 1234.5", "The answer is 1,234.5", "1 234.5", r"\boxed{1234.50}", "$1,234.50"),
    ("0.75", "3/4", "¾", r"\frac{3}{4}", r"So \boxed{\frac{3}{4}}.", "Answer: .75"),
    ("-5", "−5", "Answer: -5.0", "**Answer:** -5", "#### -5"),
    ("1500", "1.5e3", "1.5 × 10^3", r"Answer: $1.5 \times 10^3$", "1,500 apples"),
    ("42%", "Answer: 42", "Final answer: **42**", "The final answer is: 42."),
    ("B", "(B)", "B.", "Answer: B) Paris", "The correct answer is (B)", r"\boxed{B}", "Option B"),
    (
        "Paris",
        "paris.",
        "**Paris**",
        "Answer: Paris",
        "The answer is Paris.",
        r"\boxed{\text{Paris}}",
    ),
    ("yes", "Yes!", "Answer: yes"),
    ("the Eiffel Tower", "Eiffel tower", '"The Eiffel  Tower"'),
    (
        "Answer: C",
        "The answer is (C).",
        "Answer: **(C)**.",
        "Answer: [C]",
        r"\(C\)",
        r"\boxed{\text{C}}",
        "C - Rome",
        "Answer: C, because it is the capital.",
    ),
    (r"\boxed{\frac{\sqrt{3}}{2}}", r"\boxed{\dfrac{\sqrt3}{2}}", "Answer: √3/2"),
    (r"\boxed{\{1,2\}}", "{1, 2}", r"\boxed{\{2, 1\}}"),
    (r"\boxed{42 \text{ cm}^2}", "Answer: 42 cm²", "42 square centimeters", "42"),
    ("Answer: $18/day", "$18 per day", "18 dollars", "18"),
    ("42", "First 6 times 7.\nThat is 42.\nAnswer: 42", "It was 41, no: 42.\n\nAnswer: 42"),
]


@pytest.mark.parametrize("spellings", SPELLINGS, ids=[row[0] for row in SPELLINGS])
async def test_the_same_answer_in_other_words_is_one_answer(
    client: httpx.AsyncClient, shared_backend: Scripted, spellings: tuple[str, ...]
) -> None:
    told = await vote(client, "Answer: 999", *spellings)
    assert f": {len(spellings)}, 999: 1. 1 dissented." in told
    assert not shared_backend.requests


@pytest.mark.parametrize(
    ("answers", "shown"),
    [
        (["3.14", "3.140", "2"], "3.14: 2, 2: 1"),
        (["$1,234.50", "1234.5"], "$1,234.50: 2"),
        (["1/3", "2/6", "0.5"], "1/3: 2, 0.5: 1"),
        (["1e20", "0.000001"], "1e20: 1, 0.000001: 1"),
        (["New York", "new york"], "New York: 2"),
        ([r"\boxed{x + 1}", r"\boxed{x+1}", r"\boxed{x}"], "x + 1: 2, x: 1"),
    ],
)
async def test_answers_are_shown_as_people_write_them(
    client: httpx.AsyncClient, shared_backend: Scripted, answers: list[str], shown: str
) -> None:
    assert f"Vote of {len(answers)}: {shown}." in await vote(client, *answers)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("42", "43"),
        ("B", "C"),
        ("3.5", "35"),
        ("-5", "5"),
        ("1/6", "1/3"),
        ("yes", "no"),
        ("3 pm", "3 am"),
        ("5 minute", "5 hour"),
        ("4 july", "4 may"),
        ("5<x", "5>x"),
        ("2(x+y)", "2(a-b)"),
        ("3-i", "3+i"),
    ],
)
async def test_other_answers_are_others(
    client: httpx.AsyncClient, shared_backend: Scripted, one: str, other: str
) -> None:
    told = await vote(client, one, other, other)
    assert f"Vote of 3: {other}: 2, {one}: 1. 1 dissented." in told
    assert told.endswith(f"Answer: {other}")


async def test_the_majority_wins_in_whatever_words(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    told = await vote(
        client,
        "The answer is 42.",
        "I think the answer is 42.",
        "Calculation shows 42 as the result.",
        "The correct answer is 41.",
        "Based on my analysis, it's 42.",
    )
    assert told == "Vote of 5: 42: 4, 41: 1. 1 dissented.\n\nThe answer is 42."


async def test_scales_are_kept(client: httpx.AsyncClient, shared_backend: Scripted) -> None:
    told = await vote(client, "$5 million", "$5 billion", "$5 billion")
    assert told.startswith("Vote of 3: $5 billion: 2, $5 million: 1.")


HEADED = "An essay about this and that.\n\n#### {}. Conclusion\nIt remains to be seen what is so."
GUESSED = "First guess: the answer is 5. But no.\nAnswer: x = 2 or x = -2"


async def test_headings_are_no_votes(client: httpx.AsyncClient, shared_backend: Scripted) -> None:
    shared_backend.default("It depends.")
    assert (await vote(client, *map(HEADED.format, (3, 3, 4)))).startswith("No vote")


async def test_a_guess_that_was_given_up_is_no_vote(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    told = await vote(client, "Answer: 5", GUESSED, GUESSED)
    assert told.startswith("Vote of 3: x = 2 or x = -2: 2, 5: 1.")


async def test_where_to_look_is_no_answer(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default("I merged them.")
    said = "The answer is in the notebook."
    documents = [output(said, f"# The {animal}") for animal in ("fox", "hare", "dog")]
    assert (await vote(client, *documents)).startswith("No vote")


QUERIES = ["How many?", "And then?"]


async def vote_on_both(client: httpx.AsyncClient, *said: str) -> str:
    sent = body("c", "Count", QUERIES, [output(each) for each in said])
    response: str = (await ask(client, "aggregate", sent))["output"]["immediate_response"]
    return response


def both(first: int, second: int) -> str:
    return f"Query 1\nAnswer: {first}\n\nQuery 2\nAnswer: {second}"


async def test_the_answers_to_all_queries_are_counted_together(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    told = await vote_on_both(client, both(5, 7), both(6, 7), both(6, 7))
    assert told == f"Vote of 3: 6; 7: 2, 5; 7: 1. 1 dissented.\n\n{both(6, 7)}"


async def test_the_model_decides_where_a_query_was_left_out(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default("I followed the first two.")
    told = await vote_on_both(client, both(6, 7), both(6, 7), "Answer: 7")
    assert told.startswith("No vote")


async def test_the_answer_that_won_comes_with_its_reasoning_and_last(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    reasoned = "6 times 7 is 42.\nAnswer: 42"
    told = await vote(client, "Answer: 41", reasoned, "42")
    assert told == f"Vote of 3: 42: 2, 41: 1. 1 dissented.\n\n{reasoned}"


async def test_an_answer_of_the_greatest_length_keeps_its_end(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    longest = f"{'step ' * 9_996}\nAnswer: 42"
    told = await vote(client, longest, "42")
    assert told.endswith("Answer: 42")


async def test_a_tie_is_told_and_the_first_stands(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    told = await vote(client, "Answer: 7", "Answer: 8", "8", "7", "9")
    assert "This is a tie between 7 and 8; the one given first stands." in told
    assert told.endswith("Answer: 7")


async def test_agreement_is_told_without_dissent(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    assert await vote(client, "42", "42") == "Vote of 2: 42: 2.\n\nAnswer: 42"


async def test_an_answer_that_cannot_be_read_is_told(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    told = await vote(client, "42", ESSAY, "42")
    assert told == "Vote of 3: 42: 2. In 1 no final answer could be read.\n\nAnswer: 42"


@pytest.mark.parametrize("answers", [[ESSAY, ESSAY + "No."], [ESSAY, "42", ESSAY + "Yes."]])
async def test_the_model_decides_where_answers_cannot_be_counted_and_that_is_said(
    client: httpx.AsyncClient, shared_backend: Scripted, answers: list[str]
) -> None:
    shared_backend.default("I followed the first. It depends.")
    told = await vote(client, *answers)
    assert told.startswith("No vote: the answers could not be counted, so the model decided.")
    assert told.endswith("I followed the first. It depends.")
    [request] = shared_backend.requests
    for answer in answers:
        assert answer.strip() in request.prompt
    assert "What is it?" in request.prompt


async def test_the_strategy_stands_in_the_headers(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default("It depends.")
    for said, strategy, calls in (("42", "majority", "0"), (ESSAY, "judge", "1")):
        sent = body("c", "Count", ["q"], [output(said)])
        response = await client.post("/aggregate", json=sent)
        assert response.headers["X-Miner-Strategy"] == strategy
        assert response.headers["X-Miner-Model-Calls"] == calls


async def test_reviews_have_no_vote(client: httpx.AsyncClient, shared_backend: Scripted) -> None:
    reviews = [output("41", component=name) for name in ("feedback", "human_feedback", "feedback")]
    assert (await vote(client, "42", *reviews)).startswith("Vote of 1: 42: 1.")


async def test_reviews_alone_are_for_the_model(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default("Both reviews ask for sources.")
    told = await vote(
        client, output("41", component="feedback"), output("42", component="feedback")
    )
    assert told.startswith("No vote")


@pytest.mark.parametrize(
    "outputs", [[], [output("")], [output("  ", " "), output("", "no update")]]
)
async def test_nothing_is_said_plainly_without_a_model_call(
    client: httpx.AsyncClient, shared_backend: Scripted, outputs: list[Json]
) -> None:
    assert (await vote(client, *outputs)).startswith("There is nothing to aggregate")
    assert not shared_backend.requests


async def test_the_document_of_the_winner_is_handed_on(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    outputs = [
        output("Answer: 41", "# Forty-one\n"),
        output("Answer: 42", "# Forty-two\r\n "),
        output("The answer is 42.", "# Also forty-two"),
        output("Answer: 40", "# Forty"),
    ]
    answered = await ask(client, "aggregate", body("c", "Count", ["q"], outputs))
    assert answered["output"]["notebook"] == "# Forty-two\r\n "


async def test_remarks_beside_documents_are_no_votes(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default("I merged both.\n<notebook>\n# Merged\n</notebook>")
    same = "The document is in the notebook."
    outputs = [output(same, "# The fox"), output(same, "# The hare"), output("3 lines", "# A dog")]
    answered = await ask(client, "aggregate", body("c", "Merge", ["q"], outputs))
    said = answered["output"]["immediate_response"]
    assert said.startswith("No vote")
    assert said.endswith("I merged both.")
    assert answered["output"]["notebook"] == "# Merged"
    assert "between the tags <notebook>" in shared_backend.requests[0].prompt


async def test_a_document_that_all_carry_does_not_hinder_the_vote(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    outputs = [output("Paris", "# Handed on"), output("paris", "# Handed on")]
    answered = await ask(client, "aggregate", body("c", "Count", ["q"], outputs))
    assert "Vote of 2: Paris: 2." in answered["output"]["immediate_response"]
    assert answered["output"]["notebook"] == "# Handed on"


@pytest.mark.timeout(30)  # a reader that backtracks takes minutes, and holds up every caller
@pytest.mark.parametrize(
    "unit", ["The answer is\n", "answer ", "#### \n", "\\boxed{", "the answer is ", "*", "1,", "- "]
)
async def test_outputs_of_the_greatest_length_are_read(
    client: httpx.AsyncClient, shared_backend: Scripted, unit: str
) -> None:
    shared_backend.default("It depends.")
    repeated = (unit * 50_000)[:50_000]
    await vote(client, repeated, unit.ljust(50_000, "\n"), unit.ljust(50_000), "42")
