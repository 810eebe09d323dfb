"""What ``session.update`` refuses, ignores or only warns about."""

from typing import Any

import pytest

from tests.emulator.session.driver import Driver, error_of, types_of, update_error
from voicelive_agent.emulator.session import effects as do


class TestFixed:
    def test_the_voice_is_fixed_once_it_was_heard(self) -> None:
        driver = Driver()
        driver.configure(voice="echo")
        driver.send("response.create")
        driver.answer("Hello there.")
        error = update_error(driver, {"voice": "alloy"})
        assert error["code"] == "cannot_update_voice"
        assert error["param"] == "session.voice"
        driver.configure(voice="echo")
        driver.configure(voice={"type": "openai", "name": "echo"})

    @pytest.mark.parametrize("field", ["input_audio_sampling_rate", "input_audio_format"])
    def test_the_input_is_fixed_once_there_was_audio(self, field: str) -> None:
        driver = Driver()
        driver.send("input_audio_buffer.append", audio="AAAA")
        value = 16000 if field == "input_audio_sampling_rate" else "g711_ulaw"
        error = update_error(driver, {field: value})
        assert error["param"].startswith("session.input_audio_")
        driver.configure(input_audio_sampling_rate=24000, input_audio_format="pcm16")

    def test_what_belongs_to_the_agent_is_ignored_with_a_warning(self) -> None:
        driver = Driver()
        events = driver.send(
            "session.update",
            session={
                "instructions": "x",
                "tools": 5,
                "tool_choice": "none",
                "temperature": 99,
                "voice": "alloy",
            },
        )
        assert types_of(events) == ["session.updated", *["warning"] * 4]
        assert events[0]["session"]["voice"]["name"] == "alloy"
        assert events[0]["session"]["instructions"] is None
        assert {event["warning"]["param"] for event in events[1:]} == {
            "session.instructions",
            "session.tools",
            "session.tool_choice",
            "session.temperature",
        }
        assert {event["warning"]["code"] for event in events[1:]} == {"ignored_in_agent_mode"}

    @pytest.mark.parametrize("field", ["id", "object", "agent", "expires_at", "instrctions"])
    def test_what_is_no_setting_is_ignored_with_a_warning(self, field: str) -> None:
        events = Driver().send("session.update", session={field: "x"})
        assert types_of(events) == ["session.updated", "warning"]
        assert events[1]["warning"]["param"] == f"session.{field}"


class TestWrongValues:
    @pytest.mark.parametrize(
        ("session", "param"),
        [
            (
                {"turn_detection": {"type": "server_vad", "threshold": 1.5}},
                "turn_detection.threshold",
            ),
            (
                {"turn_detection": {"type": "server_vad", "threshold": float("nan")}},
                "turn_detection.threshold",
            ),
            (
                {"turn_detection": {"type": "server_vad", "silence_duration_ms": 10**30}},
                "turn_detection.silence_duration_ms",
            ),
            (
                {"turn_detection": {"type": "server_vad", "prefix_padding_ms": "300"}},
                "turn_detection.prefix_padding_ms",
            ),
            (
                {"turn_detection": {"type": "server_vad", "create_response": "yes"}},
                "turn_detection.create_response",
            ),
            ({"turn_detection": {"type": "vad"}}, "turn_detection.type"),
            ({"turn_detection": {}}, "turn_detection.type"),
            ({"turn_detection": "server_vad"}, "turn_detection"),
            (
                {
                    "turn_detection": {
                        "type": "azure_semantic_vad",
                        "end_of_utterance_detection": {"model": "x"},
                    }
                },
                "turn_detection.end_of_utterance_detection.model",
            ),
            ({"voice": {"type": "azure-custom", "name": "Zoe"}}, "voice.endpoint_id"),
            ({"voice": {"type": "azure-standard"}}, "voice.name"),
            ({"voice": {"name": "alloy"}}, "voice.type"),
            ({"voice": ""}, "voice"),
            ({"voice": 7}, "voice"),
            ({"modalities": []}, "modalities"),
            ({"modalities": ["text", "smell"]}, "modalities[1]"),
            ({"modalities": ["audio"]}, "modalities"),
            ({"input_audio_sampling_rate": 11025}, "input_audio_sampling_rate"),
            ({"input_audio_transcription": {"language": "en"}}, "input_audio_transcription.model"),
            (
                {"input_audio_transcription": {"model": "azure-speech", "phrase_list": ["a", 5]}},
                "input_audio_transcription.phrase_list[1]",
            ),
            ({"input_audio_noise_reduction": {"type": "hush"}}, "input_audio_noise_reduction.type"),
            ({"output_audio_timestamp_types": ["letter"]}, "output_audio_timestamp_types[0]"),
            ({"animation": {"outputs": ["wave"]}}, "animation.outputs[0]"),
            ({"max_response_output_tokens": 0}, "max_response_output_tokens"),
            ({"max_response_output_tokens": 5000}, "max_response_output_tokens"),
            ({"metadata": {"k": 5}}, "metadata.k"),
            ({"metadata": {str(n): "v" for n in range(17)}}, "metadata"),
            ({"metadata": {"k": "v" * 513}}, "metadata.k"),
            ({"include": ["everything"]}, "include[0]"),
            ({"reasoning_effort": "heroic"}, "reasoning_effort"),
            ({"interim_response": {"type": "static-interim-response"}}, "interim_response.type"),
            (
                {"interim_response": {"type": "static_interim_response", "triggers": ["x"]}},
                "interim_response.triggers[0]",
            ),
        ],
    )
    def test_the_path_names_what_is_wrong(self, session: dict[str, Any], param: str) -> None:
        error = update_error(Driver(), {**session, "parallel_tool_calls": False}, event_id="e1")
        assert error["param"] == f"session.{param}"
        assert error["type"] == "invalid_request_error"
        assert error["event_id"] == "e1"

    @pytest.mark.parametrize(
        ("session", "param"),
        [
            ({"tools": [{"type": "function"}]}, "tools[0].name"),
            ({"tools": [{"type": "function", "name": "a b"}]}, "tools[0].name"),
            ({"tools": [{"type": "mcp", "server_label": "x"}]}, "tools[0].server_url"),
            ({"tools": {}}, "tools"),
            ({"tool_choice": "maybe"}, "tool_choice"),
            ({"tool_choice": {"type": "function"}}, "tool_choice.name"),
            ({"temperature": "warm"}, "temperature"),
            ({"temperature": 3}, "temperature"),
            ({"instructions": 5}, "instructions"),
        ],
    )
    def test_the_path_of_what_a_model_needs(self, session: dict[str, Any], param: str) -> None:
        assert update_error(Driver(model="m"), session)["param"] == f"session.{param}"

    @pytest.mark.parametrize(
        ("session", "reason"),
        [
            (None, "it must be an object"),
            (
                {"turn_detection": {"type": "vad"}},
                "must be one of 'server_vad', 'semantic_vad', 'azure_",
            ),
            ({"turn_detection": {"threshold": 0.5}}, "it is required"),
            ({"turn_detection": "server_vad"}, "it must be an object"),
            ({"modalities": []}, "it must not be empty"),
            ({"modalities": "text"}, "it must be a list"),
            ({"voice": ""}, "it must not be empty"),
            ({"instructions": 7}, "it must be a string"),
            ({"parallel_tool_calls": "yes"}, "it must be true or false"),
        ],
    )
    def test_reasons_are_told_in_the_words_of_json(self, session: Any, reason: str) -> None:
        """They spoke of discriminators and dictionaries, which a client doesn't know."""
        assert reason in update_error(Driver(model="m"), session)["message"]


class TestNotDoneHere:
    @pytest.mark.parametrize(
        ("session", "code"),
        [
            ({"avatar": {"character": "lisa", "customized": False}}, "avatar_not_supported"),
            ({"modalities": ["text", "audio", "avatar"]}, "avatar_not_supported"),
            ({"animation": {"outputs": ["blendshapes"]}}, "blendshapes_not_supported"),
            (
                {"interim_response": {"type": "llm_interim_response"}},
                "interim_response_not_generated",
            ),
            ({"tools": [{"type": "web_search"}]}, "tool_not_supported"),
        ],
    )
    def test_a_warning_says_so(self, session: dict[str, Any], code: str) -> None:
        driver = Driver(model="m")
        events = driver.send("session.update", session=session)
        assert types_of(events) == ["session.updated", "warning"]
        assert events[1]["warning"]["code"] == code
        assert "emulator" in events[1]["warning"]["message"]

    def test_an_agent_brings_its_own_tools(self) -> None:
        server = {"type": "mcp", "server_label": "x", "server_url": "http://x"}
        events = Driver().send("session.update", session={"tools": [server]})
        assert types_of(events) == ["session.updated", "warning"]

    def test_an_avatar_is_not_shown_in_the_session(self) -> None:
        driver = Driver()
        assert driver.configure(avatar={"character": "lisa", "customized": False})["avatar"] is None


class TestTranscriptionSession:
    def test_it_sets_what_concerns_hearing(self) -> None:
        driver = Driver()
        events = driver.send(
            "transcription_session.update",
            session={"input_audio_transcription": {"model": "azure-speech", "language": "fr-FR"}},
        )
        assert types_of(events) == ["session.updated"]
        assert driver.one(do.ConfigureInput).language == "fr-FR"

    def test_other_settings_are_refused(self) -> None:
        events = Driver().send("transcription_session.update", session={"voice": "alloy"})
        assert error_of(events)["param"] == "session.voice"


class TestExpiry:
    def test_the_client_is_told_and_nothing_is_left_open(self) -> None:
        from voicelive_agent.emulator.session import facts as told

        driver = Driver(max_session_s=60)
        driver.send("response.create")
        driver.stream("Hello there. ", finish=False)
        events = driver.tell(told.SessionExpired())
        assert events[0]["error"]["code"] == "session_expired"
        assert "1 minutes" in events[0]["error"]["message"]
        assert events[-1]["type"] == "response.done"
        assert len(driver.did(do.StopAgent)) == 1
        assert driver.last[-1] == do.Close(1001, "session expired")
        assert driver.send("response.create") == []
