"""How a turn ends: the code that is stored and sent, its status, and what is said."""

import pytest

from voicelive_agent.server.engine.ending import Ending, find_phrases, read_ending


def test_each_code_has_its_status() -> None:
    """Stores keep these words, so a turn of an older version must read as it was written."""
    by_status: dict[str, set[str]] = {}
    for ending in Ending:
        by_status.setdefault(ending.status, set()).add(ending.value)
    assert by_status == {
        "completed": {"completed"},
        "cancelled": {"superseded", "cancelled", "disconnected", "draining"},
        "failed": {
            "agent_failed",
            "agent_no_output",
            "agent_wrong_type",
            "content_filtered",
            "answer_too_long",
            "first_delta_timeout",
            "idle_timeout",
            "turn_timeout",
            "conversation_unavailable",
            "conversation_not_saved",
            "internal_error",
            "answer_too_large",
            "process_died",
            "replica_died",
            "not_stored",
            "invocation_id_reused",
        },
    }


@pytest.mark.parametrize("ending", Ending)
def test_a_caller_hears_a_sentence_unless_the_answer_is_whole_or_unwanted(ending: Ending) -> None:
    phrases = find_phrases("de-DE", closing="Gleich zurück.")
    sentence = ending.find_sentence(phrases)
    if ending is Ending.CONTENT_FILTERED:
        assert sentence == phrases.filtered != phrases.apology
    elif ending is Ending.ANSWER_TOO_LONG:
        assert sentence == phrases.too_long != phrases.apology
    elif ending.failed:
        assert sentence == phrases.apology
        assert sentence.startswith("Entschuldigung")
    else:
        assert sentence == ("Gleich zurück." if ending is Ending.DRAINING else "")
    assert ending.interrupts == (ending.status == "cancelled")
    assert ending.is_abrupt == (ending.interrupts and not sentence)


def test_another_replica_may_ask_for_an_ending_of_a_newer_version() -> None:
    assert read_ending("superseded") is Ending.SUPERSEDED
    assert read_ending("moved_elsewhere") is Ending.CANCELLED
