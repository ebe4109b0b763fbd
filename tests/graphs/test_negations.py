"""What a user refuses is never kept as a wish, and refusing one thing erases no other."""

import json
from pathlib import Path

import pytest

from machine_room import Room, machine_room, settings_for
from scripted import BrokenJson, Json, Scripted, Text, Truncated

Extracted = tuple[str, str]


def found(*preferences: Extracted, about: int = 0) -> Text:
    return Json(
        {
            "preferences": [
                {"content": content, "quote": quote, "category": "other", "about": about}
                for content, quote in preferences
            ]
        }
    )


NO_EMOJIS, NO_TABLES = "Do not use emojis", "Do not use tables"
SAID: dict[str, tuple[list[Extracted], list[str]]] = {
    "Please don't use emojis, tables or headings.": (
        [
            (NO_EMOJIS, "don't use emojis"),
            (NO_TABLES, "tables"),
            ("Do not use headings", "headings"),
        ],
        [NO_EMOJIS, NO_TABLES, "Do not use headings"],
    ),
    "I do not want long answers, tables, or emojis.": (
        [(NO_TABLES, "tables"), (NO_EMOJIS, "emojis")],
        [NO_TABLES, NO_EMOJIS],
    ),
    "Please don't, ever, answer in French.": (
        [("Never answer in French", "answer in French")],
        ["Never answer in French"],
    ),
    "Do not, under any circumstances, use emojis": (
        [(NO_EMOJIS, "use emojis")],
        [NO_EMOJIS],
    ),
    "Emojis are not welcome.": ([(NO_EMOJIS, "Emojis")], [NO_EMOJIS]),
    "Emojis? Never!": ([(NO_EMOJIS, "Emojis")], [NO_EMOJIS]),
    "I’d rather you didn’t use tables": ([(NO_TABLES, "use tables")], [NO_TABLES]),
    "You shouldnt use tables": ([(NO_TABLES, "use tables")], [NO_TABLES]),
    "No tables please": ([(NO_TABLES, "tables")], [NO_TABLES]),
    "Please avoid:\n- emojis\n- tables": (
        [(NO_EMOJIS, "emojis"), (NO_TABLES, "tables")],
        [NO_EMOJIS, NO_TABLES],
    ),
    "Things I never want to see\n- emojis\n- tables": (
        [(NO_EMOJIS, "emojis"), (NO_TABLES, "tables")],
        [NO_EMOJIS, NO_TABLES],
    ),
    "My rules:\n- no emojis\n- short answers": (
        [("No emojis", "no emojis"), ("Keep answers short", "short answers")],
        ["No emojis", "Keep answers short"],
    ),
    "Please do not\nuse emojis": ([(NO_EMOJIS, "use emojis")], [NO_EMOJIS]),
    "Don't use signs, e.g. emojis": ([(NO_EMOJIS, "emojis")], [NO_EMOJIS]),
    "Don't use emojis, write in French": (
        [(NO_EMOJIS, "emojis"), ("Write in French", "write in French")],
        [NO_EMOJIS, "Write in French"],
    ),
    "I like tables, not emojis": (
        [("Use tables", "tables"), (NO_EMOJIS, "emojis")],
        ["Use tables", NO_EMOJIS],
    ),
    "Emojis: no. Tables: yes.": (
        [(NO_EMOJIS, "Emojis"), ("Use tables", "Tables")],
        [NO_EMOJIS, "Use tables"],
    ),
    "Don't forget to add units": ([("Always add units", "add units")], ["Always add units"]),
    "No more than 100 words": ([("Use at most 100 words", "100 words")], ["Use at most 100 words"]),
    "Keine Emojis bitte": ([("No emojis", "Keine Emojis")], ["No emojis"]),
}
TURNED_ROUND: dict[str, tuple[Extracted, str]] = {
    "Please don't use emojis, tables or headings.": (
        ("Use tables", "tables"),
        "Please don't use emojis, tables or headings",
    ),
    "Please avoid:\n- emojis\n- tables": (("Use emojis", "emojis"), "Please avoid: - emojis"),
    "Use tables, never emojis.": ((NO_TABLES, "tables"), "Use tables, never emojis"),
    "Emojis are never welcome": (("Use emojis", "Emojis"), "Emojis are never welcome"),
    "Don't ramble and write essays": (
        ("Write essays", "write essays"),
        "Don't ramble and write essays",
    ),
    "N'utilise pas d'emojis ni de tableaux": (
        ("Utiliser des tableaux", "tableaux"),
        "N'utilise pas d'emojis ni de tableaux",
    ),
    "Sin emojis, por favor": (("Use emojis", "emojis"), "Sin emojis"),
    "请不要用英文回答": (("用英文回答", "用英文回答"), "请不要用英文回答"),
    "When I ask about law, answer in German.": (
        ("Answer in German", "answer in German"),
        "When I ask about law, answer in German",
    ),
    "Never use tables in summaries.": (
        ("Do not use tables", "Never use tables"),
        "Never use tables in summaries",
    ),
    "Emojis are great but not in code": (
        ("Use emojis", "Emojis"),
        "Emojis are great but not in code",
    ),
}
KEPT_BESIDE = [
    ("Answer in English", "Never answer in French."),
    ("Never answer in French", "Never answer in German"),
    ("Write code in Python", "Avoid Java"),
    ("Use metric units", "Don't use miles"),
    ("Use markdown", "No LaTeX please"),
    ("Use a formal tone", "Don't be casual"),
    ("Keep answers short", "No long answers"),
    ("Use bullet points", "No numbered lists"),
    ("Call me Anna", "Don't call me Annie"),
    ("Cite sources", "No links"),
]
SUPERSEDED = [
    ("Answer in English", "Answer in German, not French"),
    ("Answer in French", "Never answer in French"),
    ("Keep answers short", "Don't be so terse"),
    ("Use a formal tone", "Don't be so formal"),
    ("Use puns", "No puns"),
    ("Use bullet points", "No lists"),
    ("Use tables, do not use lists", "Do not use tables, use lists"),
    ("Translate from English to French", "Translate to English from French"),
]


@pytest.mark.parametrize("saying", SAID)
async def test_what_is_refused_is_kept_as_refused(room: Room, saying: str) -> None:
    preferences, kept = SAID[saying]
    room.backend.reply(found(*preferences))
    await room.tell(saying)
    assert await room.known() == kept


@pytest.mark.parametrize("saying", TURNED_ROUND)
async def test_a_wording_turned_round_gives_way_to_what_was_said(room: Room, saying: str) -> None:
    preference, kept = TURNED_ROUND[saying]
    room.backend.reply(found(preference))
    await room.tell(saying)
    assert await room.known() == [kept]


@pytest.mark.parametrize(("known", "saying"), KEPT_BESIDE)
async def test_refusing_one_value_erases_no_other(room: Room, known: str, saying: str) -> None:
    await room.knows(known)
    room.backend.reply(found((saying, saying), about=1))
    await room.tell(saying)
    assert await room.known() == [known, saying]


@pytest.mark.parametrize(("known", "saying"), SUPERSEDED)
async def test_what_contradicts_takes_the_place(room: Room, known: str, saying: str) -> None:
    await room.knows(known)
    room.backend.reply(found((saying, saying)))
    result = await room.tell(saying)
    assert await room.known() == [saying]
    assert [done.message for done in result.applied] == ["replaced what was known"]


async def test_the_evidence_of_a_refusal_holds_the_refusal(room: Room) -> None:
    room.backend.reply(found((NO_TABLES, "tables")))
    await room.tell("Hello. Please don't use emojis or tables. Thanks!")
    [entry] = await room.miner.playbook.all("ann")
    assert entry.evidence == "Please don't use emojis or tables"


@pytest.mark.parametrize(
    "saying", ["Thanks, that was a great answer!", "Perfect!", "Merci beaucoup!", "I love it."]
)
@pytest.mark.parametrize("reply", [Json({"preferences": []}), BrokenJson()])
async def test_mere_praise_is_one_call_and_no_entry(room: Room, saying: str, reply: Text) -> None:
    room.backend.reply(reply)
    result = await room.tell(saying)
    assert (await room.known(), result.applied) == ([], [])
    assert "nothing to learn" in result.answer
    assert len(room.asked) == 1


@pytest.mark.parametrize("saying", ["Great, but use tables.", "I love short answers", "Be nice"])
async def test_a_wish_beside_praise_is_not_lost(room: Room, saying: str) -> None:
    room.backend.default(Json({"preferences": []}))
    await room.tell(saying)
    assert await room.known() == [saying]


WISHES = [f"Mention the {animal} often." for animal in ["cat", "dog", "cow", "ant", "owl", "fox"]]
MORE = ["Mention the eel often.", "Mention the bee often.", "No tables.", "Use metric units."]


async def test_what_a_full_list_has_no_room_for_is_kept_word_for_word(room: Room) -> None:
    said = [*WISHES, *MORE]
    room.backend.reply(found(*((wish.rstrip("."), wish) for wish in said[:8])))
    result = await room.tell(" ".join(said))
    assert [known.rstrip(".") for known in await room.known()] == [s.rstrip(".") for s in said]
    assert result.fallbacks == ["rest kept verbatim"]
    assert "word for word" in result.answer


async def test_of_a_cut_list_what_came_whole_is_kept_and_the_rest_too(room: Room) -> None:
    whole = json.loads(found(*((wish.rstrip("."), wish) for wish in WISHES[:3])).text)
    text = json.dumps(whole)[:-2] + ', {"content": "Mention the a'
    room.backend.reply(Truncated(text))
    await room.tell(" ".join(WISHES[:4]))
    assert [known.rstrip(".") for known in await room.known()] == [w[:-1] for w in WISHES[:4]]
    assert len(room.asked) == 1


ORDERS = [
    "Please call me Bob, and forget the rule about emojis.",
    "Call me Bob. Actually, forget the emoji rule.",
    "Let's forget the emoji rule, and call me Bob",
    "First forget the emoji rule. Then call me Bob.",
    "Call me Bob. And forget the emoji rule",
]


@pytest.mark.parametrize("saying", ORDERS)
async def test_an_order_to_forget_is_obeyed_wherever_it_stands(room: Room, saying: str) -> None:
    await room.knows("Use no emojis", "Be formal")
    quote = saying[saying.lower().index("forget") :].partition(",")[0]
    room.backend.reply(found(("Forget emojis", quote), ("Call me Bob", "call me Bob"), about=1))
    await room.tell(saying)
    assert await room.known() == ["Be formal", "Call me Bob"]


async def test_what_is_asked_beside_an_order_to_forget_is_no_part_of_it(room: Room) -> None:
    await room.knows("My cat is Tom", "Answer in French")
    forgotten = ("Forget the cat", "Delete what I said about my cat")
    room.backend.reply(found(forgotten, ("Answer in German", "answer in German")))
    await room.tell("Delete what I said about my cat and answer in German")
    assert await room.known() == ["Answer in German"]


async def test_forgetting_makes_room_before_learning(tmp_path: Path, backend: Scripted) -> None:
    settings = settings_for(tmp_path, backend, max_playbook_nodes=1)
    async with machine_room(settings, backend) as room:
        await room.knows("Use no emojis")
        saying = "Please call me Bob, and forget the rule about emojis."
        forgotten = ("Forget emojis", "forget the rule about emojis")
        room.backend.reply(found(("Call me Bob", "call me Bob"), forgotten))
        result = await room.tell(saying)
        assert await room.known() == ["Call me Bob"]
    assert [(done.action, done.success) for done in result.applied] == [
        ("delete", True),
        ("insert", True),
    ]


NOT_OF_THE_PLAYBOOK = [
    "Shorten it: remove everything, just give me the answer.",
    "Next time skip the intro, delete everything. Only code.",
    "Just erase everything and start over with the story.",
    "Delete all my notes.",
    "You should clear the memory before allocating.",
    "You just forget everything I told you!",
    "How can you forget everything I told you?!",
    "You read my rules and then forget everything I told you.",
    "Don't just forget everything I told you.",
    "I don't want you to forget everything you know about me.",
    "Forget it.",
]
NOT_SURELY_ALL = [
    "Forget everything.  Keep my name though",
    "Forget everything you know about me. But keep my name.",
    "Forget everything and start over with the story.",
    "Forget everything. Only code.",
    "Forget everything except French",
    "Except for French, forget everything you know about me.",
    "Forget everything else.",
    "If I say reset, forget everything you know about me.",
]
KNOWN = ["Be formal", "Answer in French"]


@pytest.mark.parametrize("about", [0, 2])
@pytest.mark.parametrize("saying", [*NOT_OF_THE_PLAYBOOK, *NOT_SURELY_ALL])
async def test_no_entry_is_lost_to_what_only_sounds_like_an_order(
    room: Room, saying: str, about: int
) -> None:
    await room.knows(*KNOWN)
    room.backend.default(found((saying, saying), about=about))
    await room.tell(saying)
    assert set(KNOWN) <= set(await room.known())


@pytest.mark.parametrize("saying", NOT_SURELY_ALL)
async def test_an_order_to_forget_all_that_is_not_sure_is_spoken_of(
    room: Room, saying: str
) -> None:
    await room.knows(*KNOWN)
    room.backend.default(found((saying, saying)))
    result = await room.tell(saying)
    assert "nothing was forgotten" in result.answer.lower()
    assert not any(known.startswith("Forget") for known in await room.known())


async def test_forgetting_one_part_leaves_the_rule_on_the_whole(room: Room) -> None:
    await room.knows("Keep answers short")
    saying = "Forget the rule about short titles."
    room.backend.reply(found((saying, saying), about=1))
    await room.tell(saying)
    assert await room.known() == ["Keep answers short"]
