"""The words that final answers are told by: a row a language."""

import re

# What a final answer is called.
_LABELS = (
    r"answer|(?:correct|right|best)\s(?:option|choice)|result",
    r"antwort|(?:end)?ergebnis|lösung",
    r"réponse|résultat",
    r"respuesta|resposta|risposta|resultado|risultato",
    r"antwoord|svar|odpowiedź|cevap",
    r"ответ|результат|відповідь",
)
_LABELS_WITHOUT_SPACE = r"答え|解答|回答|答案|答|정답|답"
_IS = (
    r"is|are|was|(?:would|will|must|should)\sbe",
    r"ist|lautet",
    r"est",
    r"es|é|è",
    r"будет",
)
_IS_WITHOUT_SPACE = "是|は|为|為"
# What stands before a label that has a line of its own.
_BEFORE = (
    r"so|thus|hence|therefore|and|the|my|our|your|final|correct|short|here",
    r"die|unsere",
    r"la|ma|donc",
    r"mi|a|final|correcta",
    r"итоговый|окончательный|правильный",
    r"最终|最後の|所以|因此",
)
_CONCLUDES = (
    r"so|thus|hence|therefore|consequently|finally|overall|altogether|(?:in|as\sa)\s(?:total|all"
    r"|conclusion|summary|result)|this\smeans|that\smeans|we\s(?:get|find|have|conclude)",
    r"also|daher|somit|folglich|insgesamt",
    r"donc|ainsi|au\stotal",
    r"entonces|por\s(?:lo\s)?tanto|portanto|logo|quindi|dunque",
    r"итак|значит|следовательно|таким\sобразом",
    r"所以|因此|よって|したがって",
)
YES = frozenset({"yes", "true", "ja", "oui", "sí", "sim", "да", "はい", "是"})
NO = frozenset({"no", "false", "nein", "non", "não", "нет", "いいえ", "否", "不是"})

_ANY_LABEL = rf"(?:{'|'.join(_LABELS)})"
_NO_LETTER_BEFORE, _NO_LETTER_AFTER = r"(?<![^\W\d_])", r"(?![^\W\d_])"
# A label, an aside such as `(yes or no)` or `to the question`, and what leads to the answer.
STATEMENT = re.compile(
    rf"(?:{_NO_LETTER_BEFORE}{_ANY_LABEL}[*_]{{0,3}}[ \t]{{0,3}}"
    r"(?:\([^()\n]{1,40}\)[*_]{0,3}[ \t]{0,3}|(?:to|for|of)[ \t][^\n.:]{1,60}?[ \t](?=is\b|was\b))?"
    rf"(?:(?:['’]s|(?:{'|'.join(_IS)}){_NO_LETTER_AFTER})[ \t]{{0,3}}[*_]{{0,3}}[:\uff1a]?"
    r"|[:\uff1a]|[-–—](?=[ \t]))"
    # Code assigns to a name in small letters.
    r"|(?-i:Answer|ANSWER)[ \t]{0,3}="
    rf"|(?:{_LABELS_WITHOUT_SPACE})[*_ \t]{{0,4}}(?:(?:{_IS_WITHOUT_SPACE})[:\uff1a]?|[:\uff1a]))"
    # The marks of GSM8K's solutions, before a number or in the last line.
    r"|^(?:####|A:)[ \t]{0,3}(?![ \t])"
    r"(?=[-$\d.,/%]{1,40}[ \t]{0,3}$|(?!\d+[.)]\s)[^\n]{1,200}\s{0,3}\Z)"
    # A heading has the answer in the lines below it.
    r"|^[ \t]{0,3}[#*_]{0,6}[ \t]{0,3}(?:final[ \t])?"
    rf"(?:{_ANY_LABEL}|{_LABELS_WITHOUT_SPACE})[*_]{{0,3}}[ \t]{{0,3}}$",
    re.IGNORECASE | re.MULTILINE,
)
LINE_BEGINS = re.compile(
    rf"[\s#*_>\-(]*(?:(?:{'|'.join(_BEFORE)})\b[ \t*_,]*){{0,4}}", re.IGNORECASE
)
CONCLUSION = re.compile(rf"\W{{0,4}}(?:{'|'.join(_CONCLUDES)}){_NO_LETTER_AFTER}", re.IGNORECASE)
# What leads from the subject of a last sentence to what it comes to.
COMES_TO = re.compile(
    r"[^\n]{0,120}?\b(?:gives|leaves|makes|equals|yields|totals|shows|(?:comes|amounts|adds up) to"
    r"|i (?:would )?(?:choose|pick|select|get|got))\b:? *",
    re.IGNORECASE,
)
# What may stand before an answer that is a few words.
LEAD_IN = re.compile(
    r"(?:(?:so|therefore|thus|hence|i(?:'d| would)? (?:think|believe|guess|say|choose|pick)"
    r"|in my opinion"
    r"|based on [\w ]{1,40}|definitely|clearly|probably|simply|option|choice),? +)*"
    r"(?:(?:that )?(?:it|that|this)(?: is|'s| was| would be| must be) +)?",
    re.IGNORECASE,
)
# These say of an answer where it is or that it is right, not what it is.
SAYS_NOTHING = re.compile(
    r"(?:(?:not )?(?:in|on|below|above|here|as follows|given|shown|provided|found|attached"
    r"|written|contained|included|listed|among|one of|possible)|correct|right|wrong|incorrect"
    r"|consistent|reasonable|verified|confirmed|valid|the same|clear|obvious|based"
    r"|at (?!least|most))\b",
    re.IGNORECASE,
)
# What follows an answer in languages that end with the verb.
TAIL = re.compile(r"(?:です|でした|である|になります|だ|입니다|이다)?[。．]?$")
PLACEHOLDER = re.compile(
    r"(?:\\text\{)?\W*(?:(?:the|your|my|final|a|short|or) )*"
    r"(?:answer|number|letter|expression|word)(?: or [^<>]{0,60})?\W*",
    re.IGNORECASE,
)
