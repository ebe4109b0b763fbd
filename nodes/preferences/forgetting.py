"""The order to forget everything, which cannot be undone and so has to be said to the letter."""

# A row a language, without marks at the end.
PHRASES = {
    "ar": ["انس كل شيء", "انس كل ما تعرفه عني", "احذف كل تفضيلاتي"],
    "de": ["vergiss alles", "vergiss alles, was du über mich weißt", "lösche alle meine vorlieben"],
    "en": ["forget everything", "forget everything you know about me", "forget all my preferences"],
    "es": ["olvida todo", "olvida todo lo que sabes de mí", "borra todas mis preferencias"],
    "fr": ["oublie tout", "oublie tout ce que tu sais de moi", "efface toutes mes préférences"],
    "hi": ["सब कुछ भूल जाओ", "मेरे बारे में सब कुछ भूल जाओ"],
    "it": ["dimentica tutto", "dimentica tutto quello che sai di me"],
    "ja": ["全部忘れて", "すべて忘れて", "私について知っていることをすべて忘れて"],
    "ko": ["모두 잊어", "나에 대해 아는 것을 모두 잊어"],
    "nl": ["vergeet alles", "vergeet alles wat je over mij weet"],
    "pl": ["zapomnij wszystko", "zapomnij wszystko, co o mnie wiesz"],
    "pt": ["esqueça tudo", "esqueça tudo o que sabe sobre mim"],
    "ru": ["забудь все", "забудь всё", "забудь всё, что ты обо мне знаешь"],  # noqa: RUF001
    "tr": ["her şeyi unut", "hakkımda bildiğin her şeyi unut"],  # noqa: RUF001
    "zh": ["忘记一切", "忘掉一切", "忘记你知道的关于我的一切", "删除我的所有偏好"],
}
_EXACT = frozenset(phrase.casefold() for row in PHRASES.values() for phrase in row)


def orders_to_forget_all(saying: str) -> bool:
    """Whether a saying is one of the phrases and nothing else but marks, spaces and case."""
    return " ".join(saying.casefold().split()).strip(" .!…\u3002\uff01¡") in _EXACT
