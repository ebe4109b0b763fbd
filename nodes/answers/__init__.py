"""What an answer says: final answers read off outputs, and compared. Pure."""

from nodes.answers.answer import FinalAnswer, Kind
from nodes.answers.equality import same
from nodes.answers.reading import read_answer, read_answers, read_short_answer

__all__ = [
    "FinalAnswer",
    "Kind",
    "read_answer",
    "read_answers",
    "read_short_answer",
    "same",
]
