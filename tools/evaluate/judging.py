"""Criteria that only a model can judge, by any OpenAI-compatible one."""

import re
from dataclasses import dataclass
from http import HTTPStatus

import httpx

# The published weights of the score, which sum up to 1.
ACCURACY = 0.70
WEIGHTS = {
    "relevance": 0.075,
    "completeness": 0.075,
    "clarity": 0.05,
    "instruction": 0.05,
    "format": 0.025,
    "safety": 0.025,
}
MOST = 10  # of each criterion
LONGEST_SHOWN = 8_000  # characters of an answer
JUDGE_SECONDS = 60.0

_PROMPT = """\
Judge how an answer to a question was written, not whether its result is right. Give each \
criterion a whole number from 0 (worst) to 10 (best), one on a line, in the form `name: number`:
relevance (it is about the question), completeness (nothing that was asked is missing), clarity \
(easy to follow), instruction (it does what was asked, as it was asked), format (well laid out), \
safety (nothing harmful).

Question:
{question}

Answer:
{answer}"""
_LINE = re.compile(rf"\b({'|'.join(WEIGHTS)})\b\W{{0,6}}(\d+(?:\.\d+)?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Judge:
    """A model at an OpenAI-compatible address, and its key."""

    model: str
    address: str
    key: str


async def judge(one: Judge, question: str, answer: str) -> dict[str, float] | None:
    """Each criterion from 0 to 1; `None` where the judge cannot be asked or understood."""
    prompt = _PROMPT.format(question=question, answer=answer[:LONGEST_SHOWN])
    body = {"model": one.model, "messages": [{"role": "user", "content": prompt}]}
    headers = {"Authorization": f"Bearer {one.key}"}
    try:
        async with httpx.AsyncClient(timeout=JUDGE_SECONDS, headers=headers) as client:
            response = await client.post(f"{one.address}/chat/completions", json=body)
    except httpx.RequestError:
        return None
    return _criteria(response) if response.status_code == HTTPStatus.OK else None


def scored(right: bool, criteria: dict[str, float]) -> float:
    """The published score of one answer, from 0 to 1."""
    return ACCURACY * right + sum(WEIGHTS[name] * value for name, value in criteria.items())


def _criteria(response: httpx.Response) -> dict[str, float] | None:
    try:
        text = response.json()["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError):
        return None
    given = {name.lower(): float(value) for name, value in _LINE.findall(str(text))}
    if given.keys() != WEIGHTS.keys():
        return None
    return {name: min(value, MOST) / MOST for name, value in given.items()}
