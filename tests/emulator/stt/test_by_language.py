"""A session's language picks among the engines that are installed."""

import asyncio

from tests.emulator.fakes import FakeRecognizer, FakeSpeechToText
from voicelive_agent.emulator.stt.by_language import RecognizerByLanguage, SpeechToTextByLanguage


class LanguageSpeechToText(FakeSpeechToText):
    def __init__(self, name: str, *languages: str) -> None:
        super().__init__()
        self.name = name
        self.languages = languages
        self.starts = 0

    async def start(self) -> None:
        self.starts += 1

    def knows_language(self, language: str) -> bool:
        return language.split("-")[0] in self.languages


def open_both() -> tuple[LanguageSpeechToText, LanguageSpeechToText, RecognizerByLanguage]:
    english, others = (
        LanguageSpeechToText("english", "en"),
        LanguageSpeechToText("others", "en", "de", "fr"),
    )
    return english, others, SpeechToTextByLanguage([english, others]).open_recognizer()


async def begun(stt: FakeSpeechToText) -> int:
    return sum(len(recognizer.utterances) for recognizer in stt.recognizers)


async def test_each_language_has_the_first_engine_that_knows_it() -> None:
    english, others, recognizer = open_both()
    for language in ("en-US", "de-DE", "fr", "en-GB"):
        recognizer.configure(language=language, phrases=["Contoso"])
        recognizer.begin(lambda text: None)
    assert (await begun(english), await begun(others)) == (2, 2)
    assert others.recognizers[0].phrases == ["Contoso"]


async def test_before_it_is_configured_english_is_heard() -> None:
    english, others, recognizer = open_both()
    recognizer.begin(lambda text: None)
    assert (await begun(english), await begun(others)) == (1, 0)


async def test_a_language_that_nobody_knows_is_told_by_the_first() -> None:
    english, others, recognizer = open_both()
    warning = recognizer.configure(language="tlh", phrases=())
    assert warning == "these ears know English only"
    recognizer.begin(lambda text: None)
    assert (await begun(english), await begun(others)) == (1, 0)


async def test_a_large_model_loads_when_the_first_session_wants_it() -> None:
    english, others = LanguageSpeechToText("english", "en"), LanguageSpeechToText("others", "de")
    stt = SpeechToTextByLanguage([english, others])
    assert stt.name == "english, others"
    await stt.start()
    assert (english.starts, others.starts) == (1, 0)
    for _ in range(2):
        stt.open_recognizer().configure(language="de-DE", phrases=())
    await asyncio.sleep(0)
    assert (english.starts, others.starts) == (1, 1)
    await stt.stop()


async def test_all_that_was_opened_is_closed() -> None:
    english, others, recognizer = open_both()
    recognizer.configure(language="de-DE", phrases=())
    await recognizer.close()
    opened: list[FakeRecognizer] = [*english.recognizers, *others.recognizers]
    assert [one.closed for one in opened] == [True, True]
