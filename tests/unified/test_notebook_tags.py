"""Reading a document off an answer: whatever it contains, and however the tags are written."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.documents import says_nothing
from nodes.documents.tags import Written, split
from nodes.notebook import output_of
from nodes.state import PreviousOutput, Request, Result

DOCUMENTS = [
    "One line",
    "# Title\n\nText with **bold** and `code`.",
    "```python\nprint('hi')\n```",
    "Text\n\n```\nfence\n```",
    '{"entries": [{"content": "x"}], "notebook": "no update"}',
    "It says no update, and then\nno update\nagain.",
    "    indented first line\n\ttabbed, trailing spaces   \nend",
    "**bold first**\n*** \n**bold last**",
    "<notebook>\nA document about tags\n</notebook>",
    "Write <notebook> before and </notebook> after it.",
    "</notebook>\nends before it begins\n<notebook>",
    "<html>\n<body>x</body>\n</html>",
    "\u00a0Ünïcödé 😀\u2028 separators \x0b\x0c and\r\ncarriage\r\nreturns",
    "   \nblank line first and last\n   ",
]


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("note", ["", "I wrote it.", "Two lines\nof *note*. ", "See `x < y`:"])
def test_the_document_between_the_tags_comes_back_unchanged(document: str, note: str) -> None:
    found = split(f"{note}\n<notebook>\n{document}\n</notebook>")
    assert found == Written(note.strip(), document)


texts = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=200)
pieces = st.sampled_from(
    [
        "<notebook>",
        "</notebook>",
        "no update",
        "```",
        "```python",
        "**",
        "`",
        "{",
        "}",
        "\n",
        " ",
        "x",
    ]
)
documents = texts | st.lists(pieces | texts, max_size=12).map("".join)


@settings(max_examples=400, deadline=None)
@given(documents, st.sampled_from(["\n", "\r\n"]))
def test_any_document_between_the_tags_comes_back_unchanged(document: str, newline: str) -> None:
    lines = document.strip("\r\n").replace("\n", newline)
    found = split(f"Here it is.{newline}<notebook>{newline}{lines}{newline}</notebook>{newline}")
    expected = "" if says_nothing(lines) else lines.strip("\r\n")
    assert found == Written("Here it is.", expected)


@settings(max_examples=400, deadline=None)
@given(documents)
def test_no_answer_loses_a_word(answer: str) -> None:
    found = split(answer)
    kept = f"{found.note} {found.document or ''}"
    for word in ("x", "{", "}"):
        assert kept.count(word) == answer.count(word)


@pytest.mark.parametrize(
    "answer",
    [
        "Done.\n<notebook>\nline\n\nline 2\n</notebook>",
        "Done.\n<NOTEBOOK>\nline\n\nline 2\n</Notebook>",
        "Done.\n< notebook >\nline\n\nline 2\n< /notebook >",
        "Done.\n**<notebook>**\nline\n\nline 2\n**</notebook>**",
        "Done.\n`<notebook>`\nline\n\nline 2\n`</notebook>`",
        "Done.\n```\n<notebook>\nline\n\nline 2\n</notebook>\n```",
        "Done.\n```xml\n<notebook>\nline\n\nline 2\n</notebook>\n```",
        "Done.\n<notebook>line\n\nline 2</notebook>",
        "Done. <notebook>\nline\n\nline 2\n</notebook>",
        "Done. <notebook>line\n\nline 2</notebook>",
        "  <notebook>\nline\n\nline 2\n  </notebook>\nDone.",
        "<notebook>\nline\n\nline 2\n</notebook> Done.",
        "<notebook>\r\nline\n\nline 2\r\n</notebook>\r\nDone.",
        "Done.\n<notebook>\n\n\nline\n\nline 2\n\n</notebook>",
        "Done.\n<notebook>\nline\n\nline 2",
    ],
)
def test_tags_are_read_as_models_write_them(answer: str) -> None:
    found = split(answer)
    assert (found.note, found.document) == ("Done.", "line\n\nline 2")


def test_a_missing_opening_tag_makes_all_before_the_closing_one_the_document() -> None:
    assert split("line\nline 2\n</notebook>\nDone.") == Written("Done.", "line\nline 2")


def test_a_missing_closing_tag_leaves_the_end_of_the_document_unmarked() -> None:
    assert split("Done.\n<notebook>\nline") == Written("Done.", "line", whole=False)
    assert split("Done.\n<notebook>\nline\n</notebook>").whole


@pytest.mark.parametrize(
    "answer",
    [
        "Paris",
        "Begin with the <notebook> tag.",
        "Close it with `</notebook>` and you are done.",
        "The tags are <notebook> and </notebook>, in this order.",
        "In HTML, <b>bold</b> is bold.\n\n```html\n<notebooks>\n</notebooks>\n```",
        "1. `<notebook>` opens\n2. `</notebook>` closes",
    ],
)
def test_an_answer_that_only_speaks_of_tags_has_no_document(answer: str) -> None:
    assert split(answer) == Written(answer)


def test_a_note_that_speaks_of_the_tags_is_no_document() -> None:
    answer = "I put it between <notebook> and </notebook> as asked:\n<notebook>\nx\n</notebook>"
    assert split(answer).document == "x"


@pytest.mark.parametrize("inner", ["no update", "No Update", "", "  \n "])
def test_an_empty_document_is_none(inner: str) -> None:
    assert split(f"All fine.\n<notebook>\n{inner}\n</notebook>") == Written("All fine.", "")


@pytest.mark.parametrize(
    "unit", [" ", "*", "`", "\n", "<", "< ", "<notebook>", "</notebook>", "<notebook>\n", "```\n"]
)
@pytest.mark.timeout(20)  # a quadratic reader takes minutes
def test_an_answer_of_the_greatest_length_is_read(unit: str) -> None:
    assert split((unit * 60_000)[:60_000]) is not None


@pytest.mark.parametrize("unit", ["```a\n", "```\n", "line\n", " ", "<notebook>"])
@pytest.mark.timeout(20)
def test_an_answer_of_the_greatest_length_is_read_beside_the_longest_documents(unit: str) -> None:
    documents = [(unit * 100_000)[:99_000] + str(number) for number in range(20)]
    outputs = [PreviousOutput(notebook=document) for document in documents]
    result = Result(answer="a" + (unit * 60_000)[:60_000])
    assert output_of("complete", Request(previous_outputs=outputs), result).notebook
