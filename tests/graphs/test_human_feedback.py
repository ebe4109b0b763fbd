"""Every way through `human_feedback`, and what becomes of the playbook."""

import asyncio
import time
from pathlib import Path

import pytest

from machine_room import Room, machine_room, settings_for
from memory import Replace
from nodes.errors import PlaybookBusy
from scripted import BrokenJson, Hang, Json, Refuse, Scripted, Status, Text, Truncated, until

FRENCH = "I only want answers in French."
GERMAN = "Now answer in German."


def extracted(
    content: str, quote: str, *, about: int = 0, category: str = "other"
) -> dict[str, str | int]:
    return {"quote": quote, "content": content, "category": category, "about": about}


def found(*preferences: dict[str, str | int]) -> Text:
    return Json({"preferences": list(preferences)})


async def reached(room: Room, node: str) -> None:
    """Wait until a run in the background is past a node."""
    await until(lambda: node in room.path)


def line(content: str, quote: str, about: int = 0) -> str:
    return f"PREFERENCE: {content} | QUOTE: {quote} | ABOUT: {about}"


@pytest.mark.parametrize("room", ["vllm", "openai"], indirect=True)
async def test_a_schema_finds_the_preferences_in_one_call(room: Room) -> None:
    room.backend.reply(
        found(
            extracted("Answer in French", "in French", category="language"),
            extracted("Use no emojis", "no emojis"),
        )
    )
    result = await room.tell("Answer in French and with no emojis, please.")
    assert await room.known() == ["Answer in French", "Use no emojis"]
    assert [(done.action, done.success, done.content) for done in result.applied] == [
        ("insert", True, "Answer in French"),
        ("insert", True, "Use no emojis"),
    ]
    assert room.path == ["recall", "extract", "reconcile", "apply"]
    assert not result.fallbacks
    [request] = room.asked
    assert request.schema_name == "preferences"
    entry = (await room.miner.playbook.all("ann"))[0]
    assert (entry.evidence, entry.category) == ("in French", "language")
    assert entry.node_id == result.applied[0].node_id


async def test_the_schema_bounds_every_string_and_list(room: Room) -> None:
    room.backend.reply(found(extracted("Answer in French", "in French")))
    await room.tell(FRENCH)
    schema = room.asked[0].body["response_format"]["json_schema"]["schema"]
    preferences = schema["properties"]["preferences"]
    assert preferences["maxItems"]
    strings = [s for s in preferences["items"]["properties"].values() if s["type"] == "string"]
    assert all("maxLength" in string or "enum" in string for string in strings)


async def test_a_refused_schema_leads_to_lines_and_is_not_sent_again(room: Room) -> None:
    room.backend.reply(Refuse("response_format"), line("Answer in French", "in French"))
    result = await room.tell(FRENCH)
    assert await room.known() == ["Answer in French"]
    assert result.fallbacks == ["labelled lines"]
    assert room.path == ["recall", "extract", "extract_lines", "reconcile", "apply"]
    room.backend.reply(line("Use no emojis", "No emojis"))
    await room.tell("No emojis!")
    assert [request.schema_name for request in room.asked] == ["preferences", "", ""]


async def test_a_refusal_that_names_no_schema_leads_to_lines(room: Room) -> None:
    room.backend.reply(Status(400), line("Answer in French", "in French"))
    result = await room.tell(FRENCH)
    assert await room.known() == ["Answer in French"]
    assert result.fallbacks == ["labelled lines"]


async def test_a_backend_that_ignores_schemas_is_asked_for_lines_alone(
    tmp_path: Path, backend: Scripted
) -> None:
    backend.canary = "Hello, reader!"
    async with machine_room(settings_for(tmp_path, backend), backend) as room:
        room.backend.reply(line("Answer in French", "in French"))
        result = await room.tell(FRENCH)
        assert await room.known() == ["Answer in French"]
    assert [request.schema_name for request in room.asked] == [""]
    assert result.fallbacks == ["labelled lines"]


@pytest.mark.parametrize(
    "broken",
    [
        BrokenJson(),
        Truncated('{"preferences": [{"quote": "in French", "content": "Answ'),
        "Sure! The user likes French.",
        Json({"preferences": [{"quote": "in French"}]}),
        Json({"preferences": []}),
        Json(["in French"]),
    ],
)
async def test_broken_structure_leads_to_lines(room: Room, broken: str | Text) -> None:
    room.backend.reply(broken, line("Answer in French", "in French"))
    result = await room.tell(FRENCH)
    assert await room.known() == ["Answer in French"]
    assert result.fallbacks == ["labelled lines"]


@pytest.mark.parametrize(
    "written",
    [
        "PREFERENCE: Answer in French | QUOTE: in French | ABOUT: 0",
        "1. **Preference:** Answer in French | **Quote:** “in French” | **About:** 0",
        '- PREFERENCE 1: Answer in French | QUOTE: "in French"',
        "Here it is:\nPREFERENCE: Answer in French | QUOTE: in French |",
    ],
)
async def test_lines_are_read_in_many_layouts(room: Room, written: str) -> None:
    room.backend.reply(BrokenJson(), written)
    await room.tell(FRENCH)
    assert await room.known() == ["Answer in French"]


async def test_a_long_quote_is_no_reason_to_lose_a_preference(room: Room) -> None:
    saying = f"I only want answers in French, {'and I mean it, ' * 20}always."
    room.backend.reply(found(extracted("Answer in French", saying)))
    await room.tell(saying)
    assert await room.known() == ["Answer in French"]


@pytest.mark.parametrize("second", ["Nothing to say.", "PREFERENCE: x", Status(400)])
async def test_what_yields_nothing_is_kept_word_for_word(room: Room, second: str | Status) -> None:
    room.backend.reply(BrokenJson(), second)
    result = await room.tell("I like it  when\nyou are kind.")
    assert await room.known() == ["I like it when you are kind."]
    assert result.fallbacks[-1] == "kept verbatim"
    assert "word for word" in result.answer


async def test_each_saying_is_kept_on_its_own(room: Room) -> None:
    room.backend.default("Nothing.")
    long = "Be kind to cats. " * 500
    await room.tell("I like cats.", long, "I like dogs.")
    assert await room.known() == ["I like cats.", long.strip(), "I like dogs."]


async def test_nothing_said_changes_nothing(room: Room) -> None:
    room.backend.default("Nothing.")
    result = await room.tell("  ")
    assert (await room.known(), result.applied) == ([], [])
    assert result.answer == "There was nothing to learn: no preference was named."


@pytest.mark.parametrize("failure", [Status(503), Hang(), Status(401)])
async def test_without_a_model_the_feedback_is_kept(room: Room, failure: Status | Hang) -> None:
    room.backend.default(failure)
    async with asyncio.timeout(20):
        result = await room.run("human_feedback", queries=[FRENCH], deadline=time.monotonic() + 1.5)
    assert await room.known() == [FRENCH]
    assert result.fallbacks[-1] == "kept verbatim"


async def test_without_a_model_a_known_preference_is_still_superseded(room: Room) -> None:
    await room.knows("Answer in French", "Use no emojis")
    room.backend.default(Status(401))
    await room.tell("I only want answers in German.")
    assert await room.known() == ["I only want answers in German.", "Use no emojis"]


async def test_what_the_user_did_not_say_is_not_kept(room: Room) -> None:
    room.backend.reply(
        found(
            extracted("Answer in French", "in French"),
            extracted("Use many emojis", "many emojis please"),
        )
    )
    result = await room.tell(FRENCH)
    assert await room.known() == ["Answer in French"]
    assert [done.success for done in result.applied] == [True, False]


async def test_if_no_quote_holds_the_feedback_itself_is_kept(room: Room) -> None:
    room.backend.reply(found(extracted("Use many emojis", "many emojis please")))
    result = await room.tell(FRENCH)
    assert await room.known() == [FRENCH]
    assert result.fallbacks[-1] == "kept verbatim"


@pytest.mark.parametrize(
    ("saying", "content", "quote", "kept"),
    [
        ("Don't use emojis.", "Use emojis", "use emojis", "Don't use emojis"),
        ("At most 50 words!", "At most 100 words", "At most 50 words", "At most 50 words"),
        ("Answer in French.", "Answer in Spanish", "Answer in French", "Answer in French"),
        ("Write in my language.", "Use French", "in my language", "Write in my language"),
        ("Start small.", "Draw art", "art", "Start small."),
        ("Be kind.", "Be rude", ".", "Be kind."),
        ("请用中文回答", "用中文", "用中文", "用中文"),
        ("Réponds en français", "Answer in French", "en français", "Réponds en français"),
        ("“Short”, it's said", "Keep it short", '"short"', None),
    ],
)
async def test_a_wording_that_says_something_else_is_replaced_by_what_was_said(
    room: Room, saying: str, content: str, quote: str, kept: str | None
) -> None:
    room.backend.reply(found(extracted(content, quote)))
    await room.tell(saying)
    assert await room.known() == [kept or content]


async def test_a_duplicate_is_kept_as_it_is(room: Room) -> None:
    await room.knows("Always answer in French.")
    room.backend.reply(found(extracted("Answer in French", "in French")))
    result = await room.tell(FRENCH)
    [entry] = await room.miner.playbook.all("ann")
    assert (entry.content, entry.version) == ("Always answer in French.", 1)
    assert [(done.action, done.success) for done in result.applied] == [("update", True)]
    assert "already known" in result.applied[0].message


async def test_one_feedback_learns_one_thing_once(room: Room) -> None:
    room.backend.reply(
        found(
            extracted("Answer in French", "in French"),
            extracted("Answers in French", "answers in French"),
        )
    )
    await room.tell(FRENCH)
    assert await room.known() == ["Answer in French"]


async def test_the_same_topic_supersedes_and_the_history_remembers(room: Room) -> None:
    room.backend.reply(found(extracted("Answer in French", "in French", category="language")))
    await room.tell(FRENCH)
    room.backend.reply(found(extracted("Answer in German", "in German", category="language")))
    result = await room.tell(GERMAN)
    assert await room.known() == ["Answer in German"]
    [done] = result.applied
    assert done.action == "update"
    history = await room.miner.playbook.history("ann", done.node_id)
    assert [version.content for version in history] == ["Answer in French", "Answer in German"]


SUPERSEDED = [
    ("Answer in French", "From now on, write to me in German instead of French."),
    ("I only want answers in French.", "German only, please"),
    ("Answer in French", "Answer in Brazilian Portuguese"),
    ("Answer in French", "Answer in German and keep it short"),
    ("Keep answers short", "Give detailed answers"),
    ("Keep your answers brief, please", "Use at most 100 words"),
    ("Use emojis", "No emojis"),
    ("Never use emojis", "Use emojis"),
    ("Use emojis", "Remove all emojis"),
    ("Use a formal tone", "Be casual"),
    ("Use bullet points", "Write in prose"),
    ("Call me Anna", "Call me Bob"),
    ("Use metric units", "Use imperial units"),
    ("Use Python for code", "Write code in Rust"),
    ("Prefer tabs over spaces", "Prefer spaces over tabs"),
    ("Use lists, not tables", "Use tables, not lists"),
]
KEPT_APART = [
    ("Answer in French", "I love Italian food"),
    ("Answer in French", "Polish my English"),
    ("Answer in German", "My mother is French."),
    ("Answer in French", "Answer in German when I ask about law"),
    ("Answer in French", "Use simple language"),
    ("Answer in French and keep it short", "Answer in German"),
    ("Keep answers short", "Use simple words"),
    ("Keep answers short", "Give detailed examples"),
    ("Keep answers short", "Keep titles short"),
    ("Keep answers short", "I no longer live in Paris"),
    ("Be formal", "I live in a warm country"),
    ("Use a formal tone", "Make jokes"),
    ("Use bullet points", "Use headings"),
    ("Always include units", "Don't forget the units"),
    ("Always include units", "Don’t forget the units"),
    ("Always include units", "You always forget the units!"),
    ("Answer in French", "I don't remember the capital of French Guiana"),
    ("Answer in French", "Remove the notes at the end of every answer"),
    ("le français", "n'oublie pas le français"),
]


async def after_saying(room: Room, pairs: list[tuple[str, str]]) -> list[list[str]]:
    """What a user who had one preference has after saying another, each pair a user of its own."""
    found_in = []
    for number, (known, said) in enumerate(pairs):
        await room.knows(known, cid=f"user {number}")
        room.backend.reply(found(extracted(said, said)))
        await room.tell(said, cid=f"user {number}")
        found_in.append(await room.known(f"user {number}"))
    return found_in


async def test_another_wish_on_the_same_topic_takes_its_place(room: Room) -> None:
    assert await after_saying(room, SUPERSEDED) == [[said] for _, said in SUPERSEDED]


async def test_what_is_only_similar_stays(room: Room) -> None:
    assert await after_saying(room, KEPT_APART) == [list(pair) for pair in KEPT_APART]


@pytest.mark.parametrize("about", [0, 1])
async def test_the_model_alone_supersedes_nothing_unrelated(room: Room, about: int) -> None:
    await room.knows("I have a dog", "Answer in French")
    room.backend.reply(found(extracted("I like the opera", "like the opera", about=about)))
    await room.tell("I like the opera")
    assert len(await room.known()) == 3


async def test_where_no_rule_knows_the_topic_the_model_is_believed(room: Room) -> None:
    await room.knows("My dog is called Rex")
    room.backend.reply(found(extracted("My dog is called Leo", "dog is called Leo", about=1)))
    await room.tell("My dog is called Leo")
    assert await room.known() == ["My dog is called Leo"]


@pytest.mark.parametrize(
    ("saying", "left"),
    [
        ("Forget the rule about emojis.", ["Answer in French", "My dog is called Rex"]),
        ("Please forget that I prefer French", ["Use no emojis", "My dog is called Rex"]),
        ("Delete the preference on language!", None),
        ("Forget what I told you about my dog Rex.", ["Use no emojis", "Answer in French"]),
        ("Vergiss Rex!", ["Use no emojis", "Answer in French"]),
    ],
)
async def test_one_preference_is_forgotten(room: Room, saying: str, left: list[str] | None) -> None:
    everything = ["Use no emojis", "Answer in French", "My dog is called Rex"]
    await room.knows(*everything)
    room.backend.reply(found(extracted(saying, saying, about=2 if left is None else 0)))
    result = await room.tell(saying)
    assert await room.known() == (left or ["Use no emojis", "My dog is called Rex"])
    assert [done.action for done in result.applied] == ["delete"]


async def test_forgetting_what_is_not_known_changes_nothing_and_says_so(room: Room) -> None:
    await room.knows("Answer in French")
    room.backend.reply(found(extracted("Forget the cat", "Forget the cat", about=1)))
    result = await room.tell("Forget the cat.")
    assert await room.known() == ["Answer in French"]
    assert result.answer == "No preference was changed."
    assert not result.fallbacks


async def test_forgetting_one_thing_for_another_is_a_replacement(room: Room) -> None:
    await room.knows("Answer in French")
    saying = "Forget French, use German"
    room.backend.reply(found(extracted("Use German instead of French", saying, about=1)))
    await room.tell(saying)
    assert await room.known() == ["Use German instead of French"]


@pytest.mark.parametrize(
    "saying",
    [
        "Forget everything.",
        "Please delete all my preferences.",
        "Delete everything you know about me!",
        "clear your memory",
        "Forget everything I told you",
    ],
)
async def test_everything_is_forgotten(room: Room, saying: str) -> None:
    await room.knows("Use no emojis", "Answer in French")
    await room.knows("Be formal", cid="bob")
    room.backend.default(found(extracted("Forget all", saying)))
    result = await room.tell(saying)
    assert await room.known() == []
    assert [done.action for done in result.applied] == ["delete", "delete"]
    assert await room.known("bob") == ["Be formal"]


@pytest.mark.parametrize(
    "saying",
    [
        "Forget everything, except that I like dogs.",
        "Forget everything I said about cats.",
        "Don't forget everything I told you.",
        "Remove all emojis.",
        "remove all notes from the document",
        "Remove all rules about commas",
    ],
)
async def test_not_everything_is_forgotten(room: Room, saying: str) -> None:
    await room.knows("Be formal", "Answer in French")
    room.backend.default(found(extracted(saying, saying)))
    await room.tell(saying)
    assert {"Be formal", "Answer in French"} <= set(await room.known())


async def test_what_is_said_beside_forgetting_everything_is_learnt(room: Room) -> None:
    await room.knows("Use no emojis", "Answer in French")
    room.backend.reply(found(extracted("Answer in German", "answer in German")))
    await room.tell("Forget everything you know, and from now on answer in German.")
    assert await room.known() == ["Answer in German"]
    room.backend.default("Nothing.")
    await room.tell("Forget everything you know about me and answer in Greek.")
    assert await room.known() == ["answer in Greek"]


async def test_a_full_playbook_says_so_and_loses_nothing(tmp_path: Path, backend: Scripted) -> None:
    settings = settings_for(tmp_path, backend, max_playbook_nodes=1)
    async with machine_room(settings, backend) as room:
        await room.knows("Answer in French")
        room.backend.reply(found(extracted("Use no emojis", "no emojis")))
        result = await room.tell("no emojis")
        assert await room.known() == ["Answer in French"]
    [done] = result.applied
    assert (done.action, done.success) == ("insert", False)
    assert "MAX_PLAYBOOK_NODES" in done.message


async def test_a_playbook_that_changed_meanwhile_is_read_again(room: Room) -> None:
    await room.knows("Answer in French")
    room.backend.reply(found(extracted("Answer in German", "in German", about=1)))
    async with room.miner.playbook.writing("ann") as writer:
        run = asyncio.create_task(room.tell(GERMAN))
        await reached(room, "reconcile")
        [entry] = await writer.all()
        await writer.apply([Replace(entry.node_id, "Answer in Greek")])
    result = await run
    assert room.path == [
        *["recall", "extract", "reconcile", "apply"],
        *["reread", "reconcile", "apply"],
    ]
    history = await room.miner.playbook.history("ann", result.applied[0].node_id)
    assert [version.content for version in history] == [
        "Answer in French",
        "Answer in Greek",
        "Answer in German",
    ]


async def test_a_playbook_that_never_holds_still_ends_the_run(room: Room) -> None:
    async def hammer(name: str) -> None:
        while True:
            entry = await room.miner.playbook.add("ann", f"I like {name}", "other")
            await room.miner.playbook.forget("ann", entry.node_id)

    room.backend.reply(found(extracted("Answer in German", "in German")))
    hammers = [asyncio.create_task(hammer(name)) for name in ("opera", "ballet", "jazz")]
    try:
        async with asyncio.timeout(30):
            with pytest.raises(PlaybookBusy):
                await room.tell(GERMAN)
    finally:
        for task in hammers:
            task.cancel()
        await asyncio.wait(hammers)
    assert "Answer in German" not in await room.known()


async def test_two_feedbacks_at_once_are_both_learnt(room: Room) -> None:
    room.backend.when("opera", found(extracted("I like the opera", "like the opera")))
    room.backend.when("jazz", found(extracted("I like jazz", "like jazz")))
    await asyncio.gather(room.tell("I like the opera"), room.tell("I like jazz"))
    assert sorted(await room.known()) == ["I like jazz", "I like the opera"]


async def test_a_caller_that_goes_away_leaves_no_half_of_the_changes(room: Room) -> None:
    await room.knows("Use no emojis", "Answer in French", "Be formal")
    async with room.miner.playbook.writing("ann"):  # so that the run waits in its last step
        room.backend.default(found(extracted("Forget all", "Forget everything")))
        run = asyncio.create_task(room.tell("Forget everything."))
        await reached(room, "reconcile")
        await asyncio.sleep(0.1)  # into the step after it
        run.cancel()
        await asyncio.wait([run])
    async with asyncio.timeout(10):
        while await room.known():  # noqa: ASYNC110 - the shielded step goes on by itself
            await asyncio.sleep(0.01)


async def test_a_preference_is_in_the_next_prompt_of_its_user_also_after_a_restart(
    tmp_path: Path, backend: Scripted
) -> None:
    settings = settings_for(tmp_path, backend, complete_strategy="draft")
    async with machine_room(settings, backend) as room:
        backend.reply(found(extracted("Answer in French", "in French")))
        await room.tell(FRENCH)
        backend.reply(found(extracted("Answer in German", "in German")))
        await room.tell(GERMAN)
    async with machine_room(settings, backend) as room:
        backend.default("Hallo")
        await room.complete("Say hello.")
        await room.complete("Say hello.", cid="bob")
    hers, his = (request.body["messages"][0]["content"] for request in backend.requests[-2:])
    assert "Answer in German" in hers
    assert "Answer in French" not in hers
    assert "Answer in German" not in his
