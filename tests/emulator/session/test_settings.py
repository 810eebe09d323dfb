"""``session.created``, ``session.update`` and what they hold."""

from typing import Any

import pytest

from tests.emulator.session.driver import OPENED_AT_S, Driver, error_of, types_of, update_error
from voicelive_agent.emulator.session import effects as do
from voicelive_agent.emulator.session.configuration import PHRASES_AT_MOST


class TestStart:
    def test_the_first_effect_is_session_created(self) -> None:
        driver = Driver()
        first = driver.effects[0]
        assert isinstance(first, do.Send)
        assert first.event["type"] == "session.created"
        assert [type(effect) for effect in driver.effects[1:]] == [
            do.ConfigureInput,
            do.ExpireAfter,
        ]

    def test_the_session_of_an_agent_is_complete(self) -> None:
        """The official quickstart reads these members and raises where one is missing."""
        session = Driver().all_events()[0]["session"]
        agent, voice = session["agent"], session["voice"]
        assert agent == {
            "type": "agent",
            "name": "front-desk",
            "description": "Answers at the front desk.",
            "agent_id": "agent_1",
            "thread_id": agent["thread_id"],
        }
        assert agent["thread_id"].startswith("conv_")
        assert voice["name"] == "en-US-Ava:DragonHDLatestNeural"
        assert voice["type"] == "azure-standard"
        assert isinstance(voice["temperature"], float)
        assert session["object"] == "realtime.session"
        assert session["id"].startswith("sess_")
        assert session["expires_at"] == OPENED_AT_S + 3600
        assert session["input_audio_transcription"]["model"] == "azure-speech"
        assert "model" not in session

    def test_the_session_of_a_realtime_model_is_like_the_recorded_one(self) -> None:
        session = Driver(model="gpt-realtime").all_events()[0]["session"]
        assert session["model"] == "gpt-realtime"
        assert session["voice"] == {"type": "openai", "name": "alloy"}
        assert session["input_audio_transcription"] is None
        assert session["tools"] == []
        assert session["tool_choice"] == "auto"
        assert session["max_response_output_tokens"] == "inf"
        assert session["input_audio_sampling_rate"] == 24000
        assert session["instructions"]
        assert "agent" not in session

    def test_turn_detection_has_the_documented_defaults(self) -> None:
        detection = Driver().all_events()[0]["session"]["turn_detection"]
        assert detection == {
            "type": "server_vad",
            "threshold": 0.5,
            "prefix_padding_ms": 400,
            "silence_duration_ms": 500,
            "speech_duration_ms": 200,
            "end_of_utterance_detection": None,
            "create_response": True,
            "interrupt_response": True,
            "auto_truncate": False,
            "appended_text_after_truncation": None,
        }

    def test_a_session_ends_at_its_limit(self) -> None:
        driver = Driver(max_session_s=90)
        assert driver.done(do.ExpireAfter) == [do.ExpireAfter(90)]


class TestMerge:
    def test_fields_left_out_keep_their_value(self) -> None:
        driver = Driver(model="gpt-4.1")
        driver.configure(instructions="Be brief.", temperature=0.7)
        session = driver.configure(voice="echo")
        assert session["instructions"] == "Be brief."
        assert session["temperature"] == 0.7
        assert session["voice"] == {"type": "openai", "name": "echo"}

    def test_a_nested_object_is_replaced_and_filled_with_defaults(self) -> None:
        driver = Driver()
        driver.configure(turn_detection={"type": "server_vad", "silence_duration_ms": 900})
        detection = driver.configure(turn_detection={"type": "server_vad", "threshold": 0.6})
        assert detection["turn_detection"]["silence_duration_ms"] == 500
        assert detection["turn_detection"]["threshold"] == 0.6

    def test_null_clears(self) -> None:
        driver = Driver()
        session = driver.configure(
            turn_detection=None, input_audio_transcription=None, interim_response=None
        )
        assert session["turn_detection"] is None
        assert session["input_audio_transcription"] is None
        assert driver.one(do.ConfigureInput).turn_detection is None

    def test_null_restores_the_default_of_what_cannot_be_off(self) -> None:
        driver = Driver()
        driver.configure(voice="alloy", output_audio_format="g711_ulaw")
        session = driver.configure(voice=None, output_audio_format=None, modalities=None)
        assert session["voice"]["type"] == "azure-standard"
        assert session["output_audio_format"] == "pcm16"
        assert session["modalities"] == ["text", "audio"]

    def test_empty_instructions_restore_the_default(self) -> None:
        driver = Driver(model="gpt-4.1")
        default = driver.all_events()[0]["session"]["instructions"]
        assert driver.configure(instructions="Be brief.")["instructions"] == "Be brief."
        assert driver.configure(instructions="")["instructions"] == default

    def test_one_updated_for_each_update(self) -> None:
        driver = Driver()
        assert types_of(driver.send("session.update", session={})) == ["session.updated"]

    @pytest.mark.parametrize(
        ("kind", "prefix_ms", "speech_ms"),
        [
            ("azure_semantic_vad", 420, 80),
            ("azure_semantic_vad_en", 420, 80),
            ("azure_semantic_vad_multilingual", 420, 80),
        ],
    )
    def test_semantic_detection_has_its_own_defaults(
        self, kind: str, prefix_ms: int, speech_ms: int
    ) -> None:
        session = Driver().configure(
            turn_detection={
                "type": kind,
                "end_of_utterance_detection": {"model": "semantic_detection_v1"},
            }
        )
        detection = session["turn_detection"]
        assert detection["prefix_padding_ms"] == prefix_ms
        assert detection["speech_duration_ms"] == speech_ms
        assert detection["remove_filler_words"] is False
        assert detection["end_of_utterance_detection"] == {
            "model": "semantic_detection_v1",
            "threshold_level": "default",
            "timeout_ms": 1000,
        }

    def test_members_that_only_tests_of_the_service_use_are_kept(self) -> None:
        session = Driver().configure(turn_detection={"type": "server_vad", "neg_threshold": 0.3})
        assert session["turn_detection"]["neg_threshold"] == 0.3

    @pytest.mark.parametrize("name", ["neg_threshold", "speech_duration_assistant_speaking_ms"])
    @pytest.mark.parametrize("value", ["low", -1, [1], True, 700_000])
    def test_such_members_are_checked_too(self, name: str, value: Any) -> None:
        """Voice activity failed at each frame of a session whose number was none."""
        error = update_error(Driver(), {"turn_detection": {"type": "server_vad", name: value}})
        assert f"'session.turn_detection.{name}'" in error["message"]

    @pytest.mark.parametrize(
        "kind", ["server_vad", "semantic_vad", "azure_semantic_vad", "azure_semantic_vad_en"]
    )
    def test_nulls_are_defaults_in_turn_detection(self, kind: str) -> None:
        """Clients send back what they were told, and that has nulls in recorded sessions."""
        told = Driver().configure(turn_detection={"type": kind})["turn_detection"]
        nulls = dict.fromkeys((*told, "neg_threshold", "idle_timeout_ms"))
        driver = Driver()
        assert driver.configure(turn_detection={**nulls, "type": kind})["turn_detection"] == told
        assert driver.types() == ["session.updated"]

    def test_openai_s_semantic_turn_detection_is_taken(self) -> None:
        """It was refused, though Voice Live has it for realtime models."""
        driver = Driver(model="gpt-realtime")
        detection = {"type": "semantic_vad", "eagerness": "high"}
        assert driver.configure(turn_detection=detection)["turn_detection"].items() >= (
            detection.items()
        )
        error = update_error(driver, {"turn_detection": {**detection, "eagerness": "very"}})
        assert "'low', 'medium', 'high' or 'auto'" in error["message"]

    @pytest.mark.parametrize(
        ("session", "param", "meant"),
        [
            (
                {"turn_detection": {"type": "server_vad", "silence_duration": 300}},
                "session.turn_detection.silence_duration",
                "silence_duration_ms",
            ),
            (
                {
                    "turn_detection": {
                        "type": "azure_semantic_vad",
                        "end_of_utterance_detection": {
                            "model": "semantic_detection_v1",
                            "timeout": 2,
                        },
                    }
                },
                "session.turn_detection.end_of_utterance_detection.timeout",
                "timeout_ms",
            ),
            (
                {"input_audio_transcription": {"model": "azure-speech", "phrases": ["Contoso"]}},
                "session.input_audio_transcription.phrases",
                "phrase_list",
            ),
            ({"input_audio_transcripton": None}, "session.input_audio_transcripton", "input_audio"),
            ({"voice": {"type": "openai", "name": "ash", "speed": 2}}, "session.voice.speed", ""),
        ],
    )
    def test_members_that_nobody_knows_are_told_at_any_depth(
        self, session: Any, param: str, meant: str
    ) -> None:
        """Misspelt settings inside of an object had no effect and no warning."""
        driver = Driver()
        driver.configure(**session)
        (warning,) = [one["warning"] for one in driver.events() if one["type"] == "warning"]
        assert warning["param"] == param
        assert f"Did you mean '{meant}" in warning["message"] or not meant

    @pytest.mark.parametrize(
        ("language", "heard_as", "is_wrong"),
        [
            ("en_GB", "en-GB", False),
            ("auto", "en-US", False),
            (" , de-DE,en", "de-DE", False),
            ("zh-Hans-CN", "zh-Hans-CN", False),
            ("garbage language!", "en-US", True),
            ("e" * 5000, "en-US", True),
            ("klingon,fr", "fr", True),
        ],
    )
    def test_a_language_is_read_as_it_is_meant(
        self, language: str, heard_as: str, is_wrong: bool
    ) -> None:
        """What is none was told to be a language that Whisper hears, with how to install it."""
        driver = Driver()
        driver.configure(input_audio_transcription={"model": "m", "language": language})
        *_, configured = [one for one in driver.effects if isinstance(one, do.ConfigureInput)]
        assert configured.language == heard_as
        warnings = [one["warning"] for one in driver.events() if one["type"] == "warning"]
        assert [one["code"] for one in warnings] == ["unknown_language"] * is_wrong
        assert all(len(one["message"]) < 120 for one in warnings)

    def test_what_only_azure_has_is_told(self) -> None:
        driver = Driver()
        driver.configure(
            voice={"type": "azure-standard", "name": "en-US-AvaNeural", "style": "cheerful"},
            input_audio_transcription={
                "model": "azure-speech",
                "custom_speech": {"en-US": "id"},
                "prompt": "A restaurant.",
            },
        )
        warnings = [one["warning"] for one in driver.events() if one["type"] == "warning"]
        assert {one["param"] for one in warnings} == {
            "session.voice.style",
            "session.input_audio_transcription.custom_speech",
            "session.input_audio_transcription.prompt",
        }

    def test_phrases_are_taken_up_to_a_number(self) -> None:
        """20,000 phrases in one session took half a second of everybody's event loop."""
        driver = Driver()
        phrases = [f"product {number}" for number in range(PHRASES_AT_MOST + 1)]
        driver.configure(input_audio_transcription={"model": "m", "phrase_list": phrases[:-1]})
        assert driver.types() == ["session.updated"]
        driver.configure(input_audio_transcription={"model": "m", "phrase_list": phrases})
        assert driver.types() == ["session.updated", "warning"]
        *_, configured = [one for one in driver.effects if isinstance(one, do.ConfigureInput)]
        assert len(configured.phrases) == PHRASES_AT_MOST

    def test_the_whole_of_the_sdk_s_example_is_taken(self) -> None:
        driver = Driver(model="gpt-realtime")
        session = driver.configure(
            instructions="You are helpful.",
            modalities=["text", "audio"],
            voice="alloy",
            input_audio_format="pcm16",
            output_audio_format="pcm16",
            turn_detection={
                "type": "server_vad",
                "threshold": 0.5,
                "prefix_padding_ms": 300,
                "silence_duration_ms": 500,
            },
            input_audio_noise_reduction={"type": "azure_deep_noise_suppression"},
            input_audio_echo_cancellation={"type": "server_echo_cancellation"},
            tools=[
                {
                    "type": "function",
                    "name": "get_weather",
                    "parameters": {"type": "object", "properties": {}},
                }
            ],
        )
        assert driver.types() == ["session.updated"]
        assert session["input_audio_echo_cancellation"]["channels"] == 1
        assert session["tools"][0]["description"] is None


class TestHearing:
    def test_hearing_is_told_of_changes_alone(self) -> None:
        driver = Driver()
        driver.configure(output_audio_format="g711_alaw")
        assert driver.did(do.ConfigureInput) == []
        driver.configure(
            input_audio_transcription={
                "model": "azure-speech",
                "language": "de-DE",
                "phrase_list": ["Zimmer"],
            }
        )
        hearing = driver.did(do.ConfigureInput)[0]
        assert (hearing.language, hearing.phrases) == ("de-DE", ("Zimmer",))
        assert isinstance(driver.last[0], do.ConfigureInput), "before the client is told"

    @pytest.mark.parametrize(
        ("language", "languages", "heard"),
        [("en,zh", None, "en"), (None, ["fr-FR", "en-US"], "fr-FR"), (None, None, "en-US")],
    )
    def test_one_language_is_heard(
        self, language: str | None, languages: list[str] | None, heard: str
    ) -> None:
        driver = Driver()
        driver.configure(
            input_audio_transcription={"model": "azure-speech", "language": language},
            turn_detection={"type": "azure_semantic_vad", "languages": languages},
        )
        assert driver.one(do.ConfigureInput).language == heard

    @pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100, 48000])
    def test_sampling_rates(self, rate: int) -> None:
        driver = Driver()
        assert driver.configure(input_audio_sampling_rate=rate)["input_audio_sampling_rate"] == rate

    @pytest.mark.parametrize("codec", ["g711_ulaw", "g711_alaw"])
    def test_g711_is_sampled_at_8000_unless_said_otherwise(self, codec: str) -> None:
        driver = Driver()
        session = driver.configure(input_audio_format=codec)
        assert session["input_audio_sampling_rate"] == 8000
        assert driver.configure(input_audio_format="pcm16")["input_audio_sampling_rate"] == 24000
        error = update_error(
            driver, {"input_audio_format": codec, "input_audio_sampling_rate": 16000}
        )
        assert error["param"] == "session.input_audio_sampling_rate"

    def test_two_channels_carry_the_clients_reference(self) -> None:
        echo = {
            "type": "server_echo_cancellation",
            "reference_source": "client",
            "channels": 2,
        }
        driver = Driver(features=frozenset({"client_ec_reference"}))
        driver.configure(input_audio_echo_cancellation=echo)
        assert driver.one(do.ConfigureInput).channels == 2
        assert error_of(driver.send("input_audio_buffer.append", audio="AAAA"))["param"] == "audio"
        error = update_error(Driver(), {"input_audio_echo_cancellation": echo})
        assert "client_ec_reference:true" in error["message"]

    @pytest.mark.parametrize(
        ("reference", "channels", "code"),
        [
            ("server", 2, "invalid_ec_channels_requires_client"),
            ("client", 1, "invalid_ec_reference_channels"),
            ("client", 3, "invalid_ec_reference_channels"),
        ],
    )
    def test_channels_and_reference_must_agree(
        self, reference: str, channels: int, code: str
    ) -> None:
        driver = Driver(features=frozenset({"client_ec_reference"}))
        echo = {
            "type": "server_echo_cancellation",
            "reference_source": reference,
            "channels": channels,
        }
        error = update_error(driver, {"input_audio_echo_cancellation": echo})
        assert error["code"] == code


class TestOutputFormats:
    @pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 44100, 48000])
    @pytest.mark.parametrize("dash", ["-", "_"])
    def test_both_spellings(self, rate: int, dash: str) -> None:
        driver = Driver()
        name = f"pcm16{dash}{rate}hz"
        assert driver.configure(output_audio_format=name)["output_audio_format"] == name
        driver.send("response.create")
        driver.stream("Hello there. ")
        assert driver.one(do.Speak).output_format == f"pcm16_{rate}hz"

    @pytest.mark.parametrize("name", ["pcm", "pcm16_11025hz", "opus", "", 5, "pcm16 8000hz"])
    def test_others_are_refused(self, name: Any) -> None:
        error = update_error(Driver(), {"output_audio_format": name})
        assert error["param"] == "session.output_audio_format"
