"""Which entries go into a prompt."""

from collections.abc import AsyncIterator

import pytest
from changing import supersede

from memory import Add, Applies, Entry, Playbook
from nodes.llm.tokens import TokenCounter
from settings import Settings

CID = "reader"
ENTRIES: list[tuple[str, str, Applies]] = [
    ("Answer in French", "language", "always"),
    ("Pasta recipes should leave out garlic and onions", "cooking", "topic"),
    ("Use metric units for the distances of running and cycling", "sport", "topic"),
    ("No more than three paragraphs", "format", "always"),
    ("Python code should carry type annotations", "programming", "topic"),
    ("A calm and friendly voice", "tone", "always"),
]


def words(text: str) -> int:
    return len(text.split())


@pytest.fixture
async def playbook(settings: Settings) -> AsyncIterator[Playbook]:
    async with Playbook.open(settings) as opened, opened.writing(CID) as writer:
        for content, category, applies in ENTRIES:
            await writer.apply([Add(content, category, "", applies)])
        yield opened


def contents(entries: list[Entry]) -> list[str]:
    return [entry.content for entry in entries]


async def test_all_is_recalled_while_it_fits(playbook: Playbook) -> None:
    room = sum(words(content) for content, _, _ in ENTRIES)
    recalled = await playbook.recall(CID, "anything", max_tokens=room, count_tokens=words)
    assert recalled == await playbook.all(CID)


@pytest.mark.parametrize(
    ("query", "relevant"),
    [
        ("How do I cook spaghetti with tomato sauce?", 1),
        ("How far should I run to train for a marathon?", 2),
        ("Write a Python function that sorts a list", 4),
    ],
)
async def test_beyond_the_budget_relevance_decides(
    playbook: Playbook, query: str, relevant: int
) -> None:
    always = [0, 3, 5]
    chosen = [ENTRIES[at][0] for at in sorted([*always, relevant])]
    room = sum(words(content) for content in chosen)
    recalled = await playbook.recall(CID, query, max_tokens=room, count_tokens=words)
    assert contents(recalled) == chosen


async def test_the_latest_wins_where_even_those_that_apply_always_are_too_many(
    playbook: Playbook,
) -> None:
    recalled = await playbook.recall(CID, "pasta", max_tokens=5, count_tokens=words)
    assert contents(recalled) == ["A calm and friendly voice"]


async def test_the_budget_is_never_exceeded(playbook: Playbook) -> None:
    for room in range(40):
        recalled = await playbook.recall(CID, "pasta", max_tokens=room, count_tokens=words)
        assert sum(words(entry.content) for entry in recalled) <= room


async def test_a_new_version_is_found_by_what_it_says_now(playbook: Playbook) -> None:
    await playbook.erase("other")
    old = "Python code should carry type annotations"
    entry = await playbook.add("other", old, "content", "", "topic")
    await playbook.add("other", "Rhymes are welcome in poems about the sea", "content", "", "topic")
    await supersede(playbook, "other", entry.node_id, "Pasta recipes should leave out garlic")
    query = "How do I cook spaghetti with tomato sauce?"
    [found] = await playbook.recall("other", query, max_tokens=6, count_tokens=words)
    assert found.content == "Pasta recipes should leave out garlic"


async def test_nobody_recalls_anything_of_others(playbook: Playbook) -> None:
    for room in (0, 10, 1000):
        assert await playbook.recall("stranger", "x", max_tokens=room, count_tokens=words) == []


async def test_the_token_counter_fits(playbook: Playbook) -> None:
    count = TokenCounter().count
    recalled = await playbook.recall(CID, "pasta", max_tokens=30, count_tokens=count)
    assert 0 < sum(count(entry.content) for entry in recalled) <= 30


async def test_what_is_longer_than_the_whole_budget_is_recalled_in_part(playbook: Playbook) -> None:
    long = " ".join(f"word{number}" for number in range(100))
    await playbook.add("long", "Be brief", "style")
    await playbook.add("long", long, "style")
    recalled = await playbook.recall("long", "x", max_tokens=20, count_tokens=words)
    assert [words(entry.content) for entry in recalled] == [2, 10]
    assert recalled[1].content.startswith("word0 word1 ")
    assert recalled[1].content.endswith(" …")
    [_, whole] = await playbook.recall("long", "x", max_tokens=102, count_tokens=words)
    assert whole.content == long


async def test_the_nearest_come_first(playbook: Playbook) -> None:
    nearest = await playbook.nearest(CID, "Answer in German")
    assert nearest[0].content == "Answer in French"
    assert len(nearest) == len(ENTRIES)
