"""Every way through `human_feedback`, and what becomes of the playbook."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from machine_room import Room, machine_room, settings_for
from memory import Replace
from nodes.errors import DeadlinePassed
from scripted import BrokenJson, Hang, Json, Recorded, Refuse, Scripted, Status, Text, Truncated
from settings import Settings
from support import make_settings

FRENCH = "I only want answers in French."
GERMAN = "Now answer in German."
PATH = ["recall", "extract", "confirm", "apply", "remember"]
LINES_PATH = ["recall", "extract", "extract_lines", "confirm", "apply", "remember"]


def extracted(quote: str, **fields: object) -> dict[str, object]:
    return {
        "quote": quote,
        "content": quote,
        "category": "other",
        "applies": "always",
        "action": "add",
        "about": 0,
        **fields,
    }


def replacing(quote: str, about: int = 1) -> dict[str, object]:
    return extracted(quote, action="replace", about=about)


def forgetting(quote: str, about: int = 1) -> dict[str, object]:
    return extracted(quote, action="forget", about=about)


def found(*preferences: dict[str, object]) -> Text:
    return Json({"preferences": list(preferences)})


def line(content: str, quote: str) -> str:
    return f"PREFERENCE: {content} | QUOTE: {quote} | ACTION: add | ABOUT: 0"


def looks(room: Room) -> list[str]:
    """The questions asked after the extraction."""
    return [request.body["messages"][-1]["content"] for request in room.asked[1:]]


def look(old: str, new: str = "") -> Callable[[Recorded], bool]:
    """Whether a request asks about a known preference and what is said now."""

    def asks(request: Recorded) -> bool:
        last = str(request.body["messages"][-1]["content"])
        return not request.schema_name and old in last and new in last

    return asks


@pytest.mark.parametrize("room", ["vllm", "openai"], indirect=True)
async def test_a_schema_finds_the_preferences_in_one_call(room: Room) -> None:
    room.backend.reply(
        found(
            extracted("answers in French", category="language"),
            extracted("Use metric units in recipes", category="content", applies="topic"),
        )
    )
    result = await room.tell(f"{FRENCH} Use metric units in recipes!")
    entries = await room.miner.playbook.all("ann")
    assert [
        (entry.content, entry.evidence, entry.category, entry.applies) for entry in entries
    ] == [
        (FRENCH, "answers in French", "language", "always"),
        ("Use metric units in recipes!", "Use metric units in recipes", "content", "topic"),
    ]
    assert [(done.action, done.success, done.node_id) for done in result.applied] == [
        ("insert", True, entry.node_id) for entry in entries
    ]
    assert room.path == PATH
    assert not result.fallbacks
    [request] = room.asked
    assert request.schema_name == "preferences"


async def test_the_schema_bounds_every_string_number_and_list(room: Room) -> None:
    room.backend.reply(found(extracted("in French")))
    await room.tell(FRENCH)
    schema = room.asked[0].body["response_format"]["json_schema"]["schema"]
    preferences = schema["properties"]["preferences"]
    assert preferences["maxItems"]
    for field in preferences["items"]["properties"].values():
        assert {"maxLength", "enum", "maximum"} & field.keys()


async def test_a_refused_schema_leads_to_lines_and_is_not_sent_again(room: Room) -> None:
    room.backend.reply(Refuse("response_format"), line("Answer in French", "in French"))
    result = await room.tell(FRENCH)
    assert await room.known() == [FRENCH]
    assert result.fallbacks == ["labelled lines"]
    assert room.path == LINES_PATH
    room.backend.reply("NONE")
    await room.tell("Hello!")
    assert [request.schema_name for request in room.asked] == ["preferences", "", ""]
    assert await room.known() == [FRENCH]


async def test_a_refusal_that_names_no_schema_leads_to_lines(room: Room) -> None:
    room.backend.reply(Status(400), line("Answer in French", "in French"))
    result = await room.tell(FRENCH)
    assert await room.known() == [FRENCH]
    assert result.fallbacks == ["labelled lines"]


async def test_a_backend_that_ignores_schemas_is_asked_for_lines_alone(
    tmp_path: Path, backend: Scripted
) -> None:
    backend.canary = "Hello, reader!"
    async with machine_room(settings_for(tmp_path, backend), backend) as room:
        room.backend.reply(line("Answer in French", "in French"))
        result = await room.tell(FRENCH)
        assert await room.known() == [FRENCH]
    assert [request.schema_name for request in room.asked] == [""]
    assert result.fallbacks == ["labelled lines"]


@pytest.mark.parametrize(
    "broken",
    [
        BrokenJson(),
        Truncated('{"preferences": [{"quote": "in French", "content": "Answ'),
        "Sure! The user likes French.",
        Json({"preferences": [{"category": "style"}]}),
        Json(["in French"]),
    ],
)
async def test_broken_structure_leads_to_lines(room: Room, broken: str | Text) -> None:
    room.backend.reply(broken, line("Answer in French", "in French"))
    result = await room.tell(FRENCH)
    assert await room.known() == [FRENCH]
    assert result.fallbacks == ["labelled lines"]


@pytest.mark.parametrize("said", ["👍", "ok", "Make the second paragraph shorter."])
async def test_an_empty_list_means_that_nothing_lasting_was_said(room: Room, said: str) -> None:
    room.backend.reply(found())
    result = await room.tell(said)
    assert (await room.known(), result.applied) == ([], [])
    assert result.answer == "There was nothing lasting to learn."
    assert not result.fallbacks
    assert len(room.asked) == 1


@pytest.mark.parametrize("second", ["Nothing to say.", "PREFERENCE: x", Status(400)])
async def test_what_yields_nothing_is_kept_word_for_word(room: Room, second: str | Status) -> None:
    room.backend.reply(BrokenJson(), second)
    result = await room.tell("I like it  when\nyou are kind. Always.")
    assert await room.known() == ["I like it when you are kind. Always."]
    assert "kept verbatim" in result.fallbacks
    assert "word for word" in result.answer
    [entry] = await room.miner.playbook.all("ann")
    assert entry.applies == "always"


async def test_each_saying_is_kept_on_its_own(room: Room) -> None:
    room.backend.default("Nothing.")
    long = "Be kind to cats. " * 500
    await room.tell("I like cats.", long, "🎉", "I like dogs.")
    assert await room.known() == ["I like cats.", long.strip(), "I like dogs."]


async def test_nothing_said_changes_nothing_and_asks_nobody(room: Room) -> None:
    result = await room.tell("  ")
    assert (await room.known(), result.applied, room.asked) == ([], [], [])


@pytest.mark.parametrize("failure", [Status(503), Hang(), Status(401)])
async def test_without_a_model_the_feedback_is_kept(room: Room, failure: Status | Hang) -> None:
    room.backend.default(failure)
    async with asyncio.timeout(20):
        result = await room.run("human_feedback", queries=[FRENCH], deadline=time.monotonic() + 1.5)
    assert await room.known() == [FRENCH]
    assert "kept verbatim" in result.fallbacks


async def test_a_quote_that_cannot_be_found_loses_no_wish_and_the_reply_says_so(room: Room) -> None:
    room.backend.reply(found(extracted("be succinct"), extracted("in French")))
    result = await room.tell(f"短く答えて。{FRENCH}")
    assert await room.known() == [FRENCH, "短く答えて。"]
    assert "kept as they stand" in result.answer


async def test_what_the_user_did_not_say_is_not_kept_and_the_reply_says_so(room: Room) -> None:
    room.backend.reply(found(extracted("in French"), extracted("many emojis please")))
    result = await room.tell(FRENCH)
    assert await room.known() == [FRENCH]
    assert "nothing in your words bears it out: 1" in result.answer


async def test_a_duplicate_is_kept_as_it_is(room: Room) -> None:
    await room.knows("i only want  answers in French")
    room.backend.reply(found(extracted("in French"))).default("no")
    result = await room.tell(FRENCH)
    [entry] = await room.miner.playbook.all("ann")
    assert entry.version == 1
    assert [(done.action, done.success) for done in result.applied] == [("update", True)]
    assert "already known" in result.applied[0].message


@pytest.mark.parametrize(
    ("about", "answers", "replaced"),
    [
        (1, ["yes"], True),
        (1, ["no", "yes", "yes"], True),
        (1, ["no", "yes", "no", "yes"], True),
        (1, ["no", "no", "no"], False),
        (1, ["Hmm.", "?", "no"], False),
        (0, ["no"], False),
        (0, ["Yes.", "yes", "**Yes**"], True),
        (0, ["yes", "no", "no"], False),
        (7, ["no"], False),
    ],
)
async def test_the_looks_decide_what_is_replaced(
    room: Room, about: int, answers: list[str], replaced: bool
) -> None:
    await room.knows("Answer in French")
    wish = replacing("in German", about) if about else extracted("in German")
    room.backend.reply(found(wish), *answers)
    result = await room.tell(GERMAN)
    assert await room.known() == ([GERMAN] if replaced else ["Answer in French", GERMAN])
    assert [done.action for done in result.applied] == ["update" if replaced else "insert"]
    asked = looks(room)
    assert len(set(asked)) == len(asked) == len(answers)
    assert all("Answer in French" in look and GERMAN in look for look in asked)


async def test_looks_are_short_further_turns_of_the_same_conversation(room: Room) -> None:
    await room.knows("Answer in French")
    room.backend.reply(found(replacing("in German")), "yes")
    await room.tell(GERMAN)
    first, look = room.messages(0), room.messages(1)
    assert look[:2] == first
    assert [message["role"] for message in look] == ["system", "user", "assistant", "user"]
    assert (room.asked[1].limit or ("", 0))[1] <= 16


async def test_what_was_replaced_stays_in_the_history(room: Room) -> None:
    room.backend.reply(found(extracted("in French")), found(replacing("in German")), "yes")
    await room.tell(FRENCH)
    [done] = (await room.tell(GERMAN)).applied
    history = await room.miner.playbook.history("ann", done.node_id)
    assert [version.content for version in history] == [FRENCH, GERMAN]


async def test_the_nearest_that_the_model_did_not_name_are_asked_about(room: Room) -> None:
    topics = ["My dog is called Rex", "I live in Oslo", "Quote prices in euros", "I play chess"]
    await room.knows(*topics, "Always answer in the French language")
    room.backend.reply(found(extracted("answer in the German language"))).when(
        look("Always answer in the French language"), "yes"
    ).default("no")
    await room.tell("Always answer in the German language")
    assert await room.known() == [*topics, "Always answer in the German language"]
    assert (
        len(
            {look.partition("\n")[0] for look in looks(room)}
            & {f"Noted earlier: {t}" for t in topics}
        )
        == 2
    )


async def test_one_wish_may_put_several_out_of_date(room: Room) -> None:
    await room.knows("Keep it short", "I have a dog", "At most 50 words")
    room.backend.reply(found(replacing("Write at length", 3)))
    room.backend.when(look("I have a dog"), "no").default("yes")
    result = await room.tell("Write at length.")
    assert await room.known() == ["I have a dog", "Write at length."]
    assert [done.action for done in result.applied] == ["update", "delete"]


async def test_in_doubt_both_stay_and_the_reply_says_so(room: Room) -> None:
    await room.knows("Answer in French")
    room.backend.reply(found(replacing("in German")), Status(400))
    result = await room.tell(GERMAN)
    assert await room.known() == ["Answer in French", GERMAN]
    assert "both stay" in result.answer


async def test_the_embedded_model_is_no_judge(tmp_path: Path, backend: Scripted) -> None:
    settings = make_settings(tmp_path, local_api_base=backend.base_url)
    async with machine_room(settings, backend) as room:
        await room.knows("Answer in French")
        room.backend.reply(found(replacing("in German")))
        result = await room.tell(GERMAN)
        assert await room.known() == ["Answer in French", GERMAN]
        assert "both stay" in result.answer
        room.backend.reply(found(forgetting("Forget the French")))
        result = await room.tell("Forget the French.")
        assert len(await room.known()) == 2
        assert "Nothing was forgotten" in result.answer


@pytest.fixture
def own_file(tmp_path: Path, backend: Scripted) -> Settings:
    """Settings with a model file of the operator's, which its server would read."""
    file = tmp_path / "own.gguf"
    file.touch()
    return make_settings(tmp_path, local_api_base=backend.base_url, local_model=file)


async def test_a_model_file_of_the_operators_own_is_asked(
    own_file: Settings, backend: Scripted
) -> None:
    async with machine_room(own_file, backend) as room:
        await room.knows("Answer in French")
        backend.reply(found(replacing("in German"))).default("yes")
        await room.tell(GERMAN)
        assert await room.known() == [GERMAN]


@pytest.mark.parametrize("script", [[found()], [BrokenJson(), "NONE"]])
async def test_the_embedded_models_empty_list_is_no_evidence(
    tmp_path: Path, backend: Scripted, script: list[str | Text]
) -> None:
    settings = make_settings(tmp_path, local_api_base=backend.base_url)
    async with machine_room(settings, backend) as room:
        backend.reply(*script)
        result = await room.tell(FRENCH, GERMAN)
        assert await room.known() == [FRENCH, GERMAN]
        assert "kept verbatim" in result.fallbacks
        assert "word for word" in result.answer


@pytest.mark.parametrize("said", ["Greet me with my name.", "From now on answer me in German."])
async def test_a_forgetting_that_no_words_bear_out_loses_no_wish(room: Room, said: str) -> None:
    await room.knows(FRENCH)
    room.backend.reply(found(forgetting("1. I only want answers in French."))).default("no")
    result = await room.tell(said)
    assert await room.known() == [FRENCH, said]
    assert "kept as they stand" in result.answer


@pytest.mark.parametrize("about", [2, 0])
async def test_one_preference_is_forgotten(room: Room, about: int) -> None:
    await room.knows("Use no emojis", "Answer in French", "My dog is called Rex")
    room.backend.reply(found(forgetting("Forget the rule about French", about)))
    room.backend.when(look("Answer in French"), "yes").default("no")
    result = await room.tell("Forget the rule about French.")
    assert await room.known() == ["Use no emojis", "My dog is called Rex"]
    assert [(done.action, done.success) for done in result.applied] == [("delete", True)]


async def test_forgetting_what_is_not_known_changes_nothing_and_says_so(room: Room) -> None:
    await room.knows("Answer in French")
    room.backend.reply(found(forgetting("Forget the cat"))).default("no")
    result = await room.tell("Forget the cat.")
    assert await room.known() == ["Answer in French"]
    assert [(done.action, done.success) for done in result.applied] == [("delete", False)]
    assert "Nothing was forgotten" in result.answer


async def test_everything_is_forgotten_without_a_model(room: Room) -> None:
    await room.knows("Use no emojis", "Answer in French")
    await room.knows("Be formal", cid="bob")
    result = await room.tell("Forget everything you know about me!")
    assert await room.known() == []
    assert [done.action for done in result.applied] == ["delete", "delete"]
    assert await room.known("bob") == ["Be formal"]
    assert not room.asked


@pytest.mark.parametrize(
    "saying",
    [
        "Forget everything, except that I like dogs.",
        "Forget everything I said about cats.",
        "Don't forget everything I told you.",
        "Forget everything. Only joking.",
        "“Forget everything” is a song.",
    ],
)
async def test_not_everything_is_forgotten(room: Room, saying: str) -> None:
    await room.knows("Be formal", "Answer in French")
    room.backend.reply(found(forgetting(saying, 0))).default("no")
    await room.tell(saying)
    assert await room.known() == ["Be formal", "Answer in French"]


async def test_what_is_said_beside_forgetting_everything_is_learnt(room: Room) -> None:
    await room.knows("Use no emojis", "Answer in French")
    room.backend.reply(found(extracted("in German"))).default("no")
    await room.tell("Forget everything.", GERMAN)
    assert await room.known() == [GERMAN]
    assert "Forget everything" not in room.asked[0].prompt


async def test_a_full_playbook_says_so_and_loses_nothing(tmp_path: Path, backend: Scripted) -> None:
    settings = settings_for(tmp_path, backend, max_playbook_nodes=2)
    async with machine_room(settings, backend) as room:
        await room.knows("Answer in French", "Be formal")
        room.backend.reply(found(replacing("in German"), extracted("No emojis")))
        room.backend.when(look("Answer in French", GERMAN), "yes").default("no")
        result = await room.tell(f"{GERMAN} No emojis!")
        assert await room.known() == [GERMAN, "Be formal"]
    assert [(done.action, done.success) for done in result.applied] == [
        ("update", True),
        ("insert", False),
    ]
    assert "MAX_PLAYBOOK_NODES" in result.applied[1].message


async def test_an_entry_that_changed_meanwhile_stays(room: Room) -> None:
    await room.knows("Answer in French")
    [entry] = await room.miner.playbook.all("ann")

    room.backend.reply(found(replacing("in German")), "yes")
    async with room.miner.playbook.writing("ann") as writer:
        run = asyncio.create_task(room.tell(GERMAN))
        while "confirm" not in room.path:  # noqa: ASYNC110 - the run is in a task of its own
            await asyncio.sleep(0.01)
        await writer.apply([Replace(entry.node_id, "Answer in Greek")])
    await run
    assert await room.known() == ["Answer in Greek", GERMAN]
    assert len(room.asked) == 2


async def test_many_feedbacks_of_one_user_at_once_are_all_learnt(room: Room) -> None:
    sayings = [f"I like the number {number}." for number in range(24)]
    for said in sayings:
        room.backend.when(
            # Bound at once; a default in a lambda has no type.
            lambda request, said=said: bool(request.schema_name) and said in request.prompt,  # type: ignore[misc]
            found(extracted(said)),
        )
    room.backend.default("no")
    results = await asyncio.gather(*(room.tell(said) for said in sayings))
    assert all(done.success for result in results for done in result.applied)
    assert sorted(await room.known()) == sorted(sayings)


async def test_the_same_said_at_once_is_learnt_once(room: Room) -> None:
    room.backend.when(lambda request: bool(request.schema_name), found(extracted("in French")))
    room.backend.default("no")
    await asyncio.gather(*(room.tell(FRENCH) for _ in range(4)))
    assert await room.known() == [FRENCH]


async def test_nothing_is_written_after_the_deadline(room: Room) -> None:
    room.backend.default(found(extracted("in French")))
    async with room.miner.playbook.writing("ann"):
        with pytest.raises(DeadlinePassed):
            await room.run("human_feedback", queries=[FRENCH], deadline=time.monotonic() + 1)
    await asyncio.sleep(0.1)
    assert await room.known() == []


async def test_a_caller_that_goes_away_leaves_no_half_of_the_changes(room: Room) -> None:
    await room.knows("Use no emojis", "Answer in French", "Be formal")
    async with room.miner.playbook.writing("ann"):  # so that the run waits in its last step
        run = asyncio.create_task(room.tell("Forget everything."))
        while "recall" not in room.path:  # noqa: ASYNC110 - the run is in a task of its own
            await asyncio.sleep(0.01)
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
        backend.reply(found(extracted("in French")), found(replacing("in German")), "yes")
        await room.tell(FRENCH)
        await room.tell(GERMAN)
    async with machine_room(settings, backend) as room:
        backend.default("Hallo")
        await room.complete("Say hello.")
        await room.complete("Say hello.", cid="bob")
    hers, his = (request.body["messages"][0]["content"] for request in backend.requests[-2:])
    assert GERMAN in hers
    assert FRENCH not in hers
    assert GERMAN not in his


async def test_two_wishes_of_one_sentence_stand_in_a_prompt_once(room: Room) -> None:
    said = "I'm vegan, so no meat."
    room.backend.reply(found(extracted("I'm vegan"), extracted("so no meat"))).default("Hello.")
    await room.tell(said)
    assert await room.known() == [said, said]
    await room.complete("Say hello.")
    assert room.messages()[0]["content"].count(said) == 1
