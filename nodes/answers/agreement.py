"""Which final answers count as the same: equal ones, and those where one leaves words out."""

from collections import defaultdict
from collections.abc import Sequence

from nodes.answers.quantities import NAME

Cast = tuple[str, ...]  # the final answers to each of the queries, each as its kind and value
_WITH_WORDS = ("number", "choice")


def counted_as(cast: Sequence[Cast | None]) -> list[Cast | None]:
    """The answers, each in the fullest of the spellings that are taken for the same.

    `42` is taken for `42 cm` only where nobody said 42 of anything else: where `3 AM` competes
    with `3 PM`, a mere `3` is neither. What is counted and of whom it is said are told apart.
    """
    said: dict[tuple[int, str, bool], set[frozenset[str]]] = defaultdict(set)
    for answers in filter(None, cast):
        for place, answer in enumerate(answers):
            core, things, names = _split(answer)
            said[place, core, False].add(things)
            said[place, core, True].add(names)

    def fullest(place: int, answer: str) -> str:
        core, things, names = _split(answer)
        words = _fullest(things, said[place, core, False]) | _fullest(
            names, said[place, core, True]
        )
        return " ".join([core, *sorted(words)])

    return [
        None if answers is None else tuple(fullest(*each) for each in enumerate(answers))
        for answers in cast
    ]


def _fullest(words: frozenset[str], competing: set[frozenset[str]]) -> frozenset[str]:
    fuller = [others for others in competing if others >= words]
    fullest = [these for these in fuller if not any(these < others for others in fuller)]
    return fullest[0] if len(fullest) == 1 else words


def _split(answer: str) -> tuple[str, frozenset[str], frozenset[str]]:
    kind, _, value = answer.partition(" ")
    if kind not in _WITH_WORDS:
        return answer, frozenset(), frozenset()
    core, *words = value.split()
    names = frozenset(word for word in words if word.startswith(NAME))
    return f"{kind} {core}", frozenset(words) - names, names
