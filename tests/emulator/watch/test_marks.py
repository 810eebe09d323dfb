import pytest

from voicelive_agent.emulator.watch.marks import MARKS, MarkedTurn, SessionMarks


def test_the_first_occurrence_counts() -> None:
    turn = MarkedTurn(1)
    turn.mark("first_delta_ms", 10.04)
    turn.mark("first_delta_ms", 20)
    assert turn.as_json()["marks_ms"]["first_delta"] == 10.0
    with pytest.raises(ValueError, match="no mark"):
        turn.mark("lunch_ms", 1)


def test_all_marks_are_there_from_the_start() -> None:
    marks = MarkedTurn(1).as_json()["marks_ms"]
    assert list(marks) == [name.removesuffix("_ms") for name in MARKS]
    assert set(marks.values()) == {None}


def test_voice_to_voice_is_from_the_end_of_speech_to_the_first_audible_sample() -> None:
    turn = MarkedTurn(1)
    assert turn.as_json()["voice_to_voice_ms"] is None
    turn.mark("speech_end_ms", 1000)
    turn.mark("first_audio_byte_ms", 1600)
    turn.mark("first_audible_sample_ms", 1650)
    assert turn.as_json()["voice_to_voice_ms"] == 650


@pytest.mark.parametrize(
    ("arrivals", "audio_ms", "was_there_ms"),
    [
        (((20, 100), (40, 120), (60, 140)), 40, 120),
        (((20, 100), (40, 120), (60, 140)), 41, 121),
        (((20, 100), (40, 120), (60, 140)), 61, 500),
        # Two frames were taken at once.
        (((20, 100), (60, 140)), 35, 115),
        (((20, 100), (60, 140)), 21, 101),
        # A file was appended, and then a frame came late.
        (((20, 100), (9000, 101)), 4000, 100),
        (((20, 100), (40, 400)), 30, 390),
        (((20, 100),), 5, 100),
    ],
)
def test_the_end_of_speech_is_when_the_client_had_it(
    arrivals: tuple[tuple[int, int], ...],
    audio_ms: float,
    was_there_ms: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A turn seemed to end up to a frame sooner after its speech than its client heard it, and two
    frames once they were taken at once: before the silence was over that ends it."""
    marks = SessionMarks()
    times_ms = iter([*(float(at_ms) for _, at_ms in arrivals), 500.0])
    monkeypatch.setattr(SessionMarks, "now_ms", lambda self: next(times_ms))
    for audio_end_ms, _ in arrivals:
        marks.audio_arrived(audio_end_ms)
    assert marks.arrival_ms(audio_ms) == was_there_ms


def test_audio_that_waited_to_be_judged_arrived_before(monkeypatch: pytest.MonkeyPatch) -> None:
    marks = SessionMarks()
    monkeypatch.setattr(SessionMarks, "now_ms", lambda self: 700.0)
    marks.audio_arrived(20, waited_ms=650)
    assert marks.arrival_ms(20) == 50


def test_a_response_answers_the_last_turn_that_has_ended() -> None:
    """A person who goes on talking opens a new turn before the response to the last one begins."""
    marks = SessionMarks()
    assert marks.unanswered() is None
    ended = marks.begin_turn("speech")
    ended.mark("end_of_turn_ms", 100)
    marks.begin_turn("speech")
    assert marks.unanswered() is ended
    ended.response_id = "resp_1"
    assert marks.unanswered() is None
    assert marks.of_response("resp_1") is ended
