"""Questions with a known answer, and solutions as models word them, right or wrong.

Each question is of a kind (`number`, `letter`, `formula`, `yesno`, `name`, or `prose`, which has no
final answer) and has distractors; a solution of it comes to one of these values, in one of many
wordings.
"""

import random
from dataclasses import dataclass, field

KINDS = ("number", "letter", "formula", "yesno", "name", "prose")
ASKED_FORM = 0.6  # the share of solutions that end as the prompt asks, with a line `Answer: …`


@dataclass
class Question:
    """`values` are the spellings of each answer: the right one's first, then each distractor's."""

    kind: str
    text: str
    values: list[list[str]]
    drawn: list[int] = field(default_factory=list)
    written: dict[str, int] = field(default_factory=dict)

    def value_of(self, solution: str) -> int | None:
        """Which value a solution came to that was written for this question."""
        return self.written.get(solution.strip())


def make_question(kind: str, number: int, distractors: int, chance: random.Random) -> Question:
    """A question of its own, told apart from all others by the mark at its end."""
    text, values = _MAKERS[kind](chance, distractors)
    return Question(kind, f"{text} [{kind}-{number}]", values)


def write_solution(question: Question, value: int, chance: random.Random) -> str:
    """A solution that comes to this value; noted in `question.written`."""
    spelled = chance.choice(question.values[value])
    if question.kind == "prose":
        text = f"{chance.choice(OPENINGS)}{spelled} {chance.choice(PROSE_ENDS)}"
    else:
        steps = "\n".join(chance.sample(STEPS[question.kind], chance.randint(0, 3)))
        asked = chance.random() < ASKED_FORM
        said = chance.choice(ASKED if asked else OTHER_WORDS[question.kind])
        stated = said.replace("{}", spelled)
        end = "" if asked or chance.random() < 0.8 else "\n\n" + chance.choice(TAILS)
        text = f"{chance.choice(OPENINGS)}{steps}\n\n{stated}{end}"
    question.written[text.strip()] = value
    return text


def _number(chance: random.Random, distractors: int) -> tuple[str, list[list[str]]]:
    each, boxes, given = chance.randint(3, 90), chance.randint(12, 60), chance.randint(2, 30)
    right = each * boxes - given
    slips = sorted({right + given, right + each, right - 1, right * 2})
    wrong = chance.sample(slips, distractors)
    thing = chance.choice(["apples", "books", "tickets", "marbles", "pages", "eggs", "coins"])
    text = (
        f"A shop gets {boxes} boxes with {each} {thing} in each, and gives {given} away. "
        f"How many {thing} are left?"
    )
    return text, [_numbers(value, thing) for value in (right, *wrong)]


def _numbers(value: int, thing: str) -> list[str]:
    grouped = f"{value:,}"
    plain = [str(value)] * 4 + [grouped, f"{value} {thing}", f"{grouped} {thing}"]
    return [*plain, f"${value}$", f"{value}.0", f"**{value}**", f"\\({value}\\)"]


def _letter(chance: random.Random, distractors: int) -> tuple[str, list[list[str]]]:
    options = chance.sample(CITIES, 4)
    right = chance.randrange(4)
    wrong = chance.sample([place for place in range(4) if place != right], distractors)
    listed = "\n".join(f"({'ABCD'[place]}) {city}" for place, city in enumerate(options))
    text = f"In which city did the treaty of {chance.randint(1600, 1950)} end the war?\n{listed}\n"
    return text, [_letters("ABCD"[place], options[place]) for place in (right, *wrong)]


def _letters(letter: str, city: str) -> list[str]:
    alone = [letter, f"({letter})", f"{letter}.", f"**{letter}**", f"**({letter})**", f"{letter})"]
    return [*alone, f"{letter}. {city}", f"({letter}) {city}", f"{letter}) {city}", f"${letter}$"]


def _formula(chance: random.Random, distractors: int) -> tuple[str, list[list[str]]]:
    a, b, n = chance.randint(2, 9), chance.randint(2, 9), chance.randint(3, 7)
    n += 6 * (a == n)  # else two of the roots would be the same
    forms = [
        (f"Differentiate {a}x^{n} + {b}x.", _polynomials(a, b, n)),
        (f"What is {a}/{a + b} of {n}, as a fraction?", _fractions(a * n, a + b)),
        (f"Simplify the square root of {a * a * n}.", _roots(a, n)),
    ]
    text, values = chance.choice(forms)
    return text, [values[0], *chance.sample(values[1:], distractors)]


def _polynomials(a: int, b: int, n: int) -> list[list[str]]:
    pairs = [(a * n, n - 1), (a * n, n), (a, n - 1), (a * (n - 1), n - 1)]
    return [
        [f"{c}x^{e} + {b}", f"${c}x^{{{e}}} + {b}$", f"{b} + {c}x^{e}", f"${c}x^{{{e}}}+{b}$"]
        for c, e in pairs
    ]


def _fractions(top: int, bottom: int) -> list[list[str]]:
    pairs = [(top, bottom), (top + 1, bottom), (top, bottom + 1), (bottom, top + 2)]
    return [
        [f"{p}/{q}", f"$\\frac{{{p}}}{{{q}}}$", f"\\dfrac{{{p}}}{{{q}}}", f"$\\frac{{{p}}}{{{q}}}$"]
        for p, q in pairs
    ]


def _roots(a: int, n: int) -> list[list[str]]:
    pairs = [(a, n), (a + 1, n), (n, a), (a * a, n)]
    return [
        [f"{p}\\sqrt{{{q}}}", f"${p}\\sqrt{{{q}}}$", f"{p}√{q}", f"$\\sqrt{{{p * p * q}}}$"]
        for p, q in pairs
    ]


def _yesno(chance: random.Random, _: int) -> tuple[str, list[list[str]]]:
    one, other = chance.sample(CITIES, 2)
    right = chance.choice(["Yes", "No"])
    wrong = "No" if right == "Yes" else "Yes"
    text = f"Could a resident of {one} have walked to {other} within {chance.randint(2, 60)} days?"
    return text, [_words(right), _words(wrong)]


def _words(word: str) -> list[str]:
    return [word, word, word.lower(), f"{word}.", f"**{word}**", word.upper(), f"**{word}.**"]


def _name(chance: random.Random, distractors: int) -> tuple[str, list[list[str]]]:
    names = chance.sample(NAMES, distractors + 1)
    text = f"Who led the expedition that crossed the pass in {chance.randint(1500, 1950)}?"
    return text, [[name, name, f"{name}.", f"**{name}**", f'"{name}"'] for name in names]


def _prose(chance: random.Random, distractors: int) -> tuple[str, list[list[str]]]:
    topic = chance.choice(["a lake freezes from the top", "bread rises", "iron rusts near the sea"])
    ways = [
        [f"In short, {topic} {words}." for words in spelled]
        for spelled in (RIGHT_REASONS, *WRONG_REASONS)
    ]
    return f"Explain in two or three sentences why {topic}.", ways[: distractors + 1]


_MAKERS = {
    "number": _number,
    "letter": _letter,
    "formula": _formula,
    "yesno": _yesno,
    "name": _name,
    "prose": _prose,
}

CITIES = [
    "Lisbon",
    "Vienna",
    "Paris",
    "Geneva",
    "Utrecht",
    "Madrid",
    "Prague",
    "Warsaw",
    "Dresden",
    "Florence",
    "Antwerp",
    "Bergen",
    "Oslo",
    "Trieste",
    "Zagreb",
    "Athens",
]
NAMES = [
    "Marie Curie",
    "Alexander von Humboldt",
    "Ibn Battuta",
    "Roald Amundsen",
    "Zheng He",
    "Isabella Bird",
    "Jean-Baptiste Charcot",
    "Sven Hedin",
    "Gertrude Bell",
    "José Celestino Mutis",
    "Ernest Shackleton",
    "Fridtjof Nansen",
    "Mary Kingsley",
    "David Livingstone",
    "Freya Stark",
    "Hernando de Soto",
]
OPENINGS = (
    "",
    "",
    "Let's think step by step.\n\n",
    "Sure! Here is how I would do it.\n\n",
    "**Solution**\n\n",
    "We are asked about this. Let me go through it.\n\n",
    "Okay, first the facts.\n\n",
    "## Reasoning\n\n",
)
STEPS = {
    "number": [
        "First, note what is given: boxes, what is in each, and what is given away.",
        "The number in all the boxes is the product of the two.",
        "What is given away is subtracted at the end.",
        "1. Multiply.\n2. Subtract.",
        "There are 2 steps to this.",
    ],
    "letter": [
        "Option A is often named here, but let us look closer.",
        "We can rule out two of the options at once.",
        "The talks went on for 3 years.",
        "* The first delegation came late.\n* The second one never left.",
    ],
    "formula": [
        "We use the usual rule for this.",
        "Each term is treated on its own.",
        "Nothing else can be cancelled, since there is no common factor.",
        "Recall that $(ab)^2 = a^2b^2$.",
    ],
    "yesno": [
        "A person walks about 30 km a day.",
        "There is no sea on the shortest way, so no ship is needed.",
        "The mountains are passable in summer.",
        "Yes, there are borders, but no walls.",
    ],
    "name": [
        "Several people tried before, among them Marco Polo.",
        "The diary of the expedition is kept in a library in London.",
        "It took 14 months.",
        "The leader was chosen by a society of geographers.",
    ],
}
ASKED = (
    "Answer: {}",
    "Answer: {}",
    "Answer: {}",
    "Answer: {}.",
    "**Answer:** {}",
    "**Answer: {}**",
    "Final Answer: {}",
    "answer: {}",
    "### Answer: {}",
)
_ANY = (
    "The answer is {}.",
    "So the answer is {}.",
    "Therefore, the final answer is {}.",
    "The correct answer is: {}",
    "**Final Answer**\n\n{}",
    "### Final Answer:\n{}",
    "Thus, the answer is **{}**.",
    "My final answer is {}.",
)
_BOXED = ("$\\boxed{{}}$", "\\boxed{{}}", "The final answer is $\\boxed{{}}$.")
OTHER_WORDS = {
    "number": (*_ANY, "So there are {} left.", "That leaves {}.", "The total comes to {}."),
    "letter": (*_ANY, "The correct option is {}.", "So it must be {}.", "I choose {}."),
    "formula": (*_ANY, "This gives {}.", "The result is {}."),
    "yesno": (*_ANY, "{}", "So: {}", "In conclusion: {}"),
    "name": (*_ANY, "Answer: It was {}.", "The person in question is {}.", "It was {}."),
}
TAILS = (
    "I hope this helps!",
    "Let me know if you want to see it in more detail.",
    "(We can check this by going backwards.)",
)
RIGHT_REASONS = (
    "because of how the denser part behaves near four degrees, or gas that is trapped, or salt",
    "for a reason of physics and chemistry that is well understood and easily shown at home",
    "since the molecules take the arrangement that needs the least energy under these conditions",
)
WRONG_REASONS = (
    ("because the moon draws it", "through the pull of the moon, as everybody knows"),
    ("because air is heavier there", "as the air above weighs more than elsewhere"),
    ("for no reason that has been found", "and nobody has found out why so far"),
)
PROSE_ENDS = (
    "This can be seen in any kitchen or garden with a little patience.",
    "There is more to it, but that is the main point.",
    "Older books say something else, which has been given up.",
)
