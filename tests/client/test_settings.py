from pathlib import Path
from typing import Any

import pytest

from voicelive_agent.client.core.session import describe_session
from voicelive_agent.client.options import build_parser
from voicelive_agent.client.settings import Settings, load_settings
from voicelive_agent.settings_sources import SettingsError, option_of


def describe(**options: Any) -> dict[str, Any]:
    settings = load_settings(options)
    return describe_session(settings, [])


def test_the_command_line_comes_before_the_environment_and_the_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = tmp_path / "talk.toml"
    profile.write_text(
        'voice = "alloy"\nlanguage = "de-DE"\nthreshold = 0.3\nphrase = ["a", "b"]\n'
        "[session]\nmetadata = {who = 'me'}\n"
    )
    monkeypatch.setenv("VOICELIVE_LANGUAGE", "fr-FR")
    monkeypatch.setenv("AZURE_VOICELIVE_THRESHOLD", "0.4")
    settings = load_settings({"voice": "echo", "language": None, "profile": str(profile)})
    assert (settings.voice, settings.language, settings.threshold) == ("echo", "fr-FR", 0.4)
    assert settings.phrase == ("a", "b")
    session = describe_session(settings, [])
    assert session["metadata"] == {"who": "me"}


def test_every_setting_is_an_option() -> None:
    text = build_parser().format_help()
    for field in Settings.model_fields:
        assert option_of(Settings, field) in text


@pytest.mark.parametrize(
    ("arguments", "session"),
    [
        (["--voice", "alloy"], {"voice": {"type": "openai", "name": "alloy"}}),
        (
            [
                "--voice",
                "en-US-Ava:DragonHDLatestNeural",
                "--voice-rate",
                "1.2",
                "--voice-pitch=+5%",
                "--voice-style",
                "cheerful",
                "--voice-temperature",
                "0.7",
            ],
            {
                "voice": {
                    "type": "azure-standard",
                    "name": "en-US-Ava:DragonHDLatestNeural",
                    "rate": "1.2",
                    "pitch": "+5%",
                    "style": "cheerful",
                    "temperature": 0.7,
                }
            },
        ),
        (
            ["--voice", "mine", "--voice-endpoint-id", "e"],
            {"voice": {"type": "azure-custom", "name": "mine", "endpoint_id": "e"}},
        ),
        (
            ["--voice", "mine", "--voice-model", "DragonLatestNeural"],
            {"voice": {"type": "azure-personal", "name": "mine", "model": "DragonLatestNeural"}},
        ),
        (["--voice", "ava"], {"voice": {"type": "azure-realtime-native", "name": "ava"}}),
        (["--turn-detection", "none"], {"turn_detection": None}),
        (["--push-to-talk"], {"turn_detection": None}),
        (
            [
                "--turn-detection",
                "azure_semantic_vad",
                "--remove-filler-words",
                "--threshold",
                "0.4",
                "--prefix-padding-ms",
                "300",
                "--silence-duration-ms",
                "600",
                "--end-of-utterance",
                "semantic_detection_v1",
                "--turn-language",
                "en",
                "--end-of-utterance-timeout-ms",
                "900",
                "--no-interrupt-response",
            ],
            {
                "turn_detection": {
                    "type": "azure_semantic_vad",
                    "threshold": 0.4,
                    "prefix_padding_ms": 300,
                    "silence_duration_ms": 600,
                    "remove_filler_words": True,
                    "languages": ["en"],
                    "end_of_utterance_detection": {
                        "model": "semantic_detection_v1",
                        "timeout_ms": 900,
                    },
                    "interrupt_response": False,
                }
            },
        ),
        (
            ["--interim", "static", "--interim-text", "One moment.", "--interim-after-ms", "500"],
            {
                "interim_response": {
                    "type": "static_interim_response",
                    "latency_threshold_ms": 500,
                    "texts": ["One moment."],
                }
            },
        ),
        (
            ["--transcription-model", "mai-transcribe-1", "--language", "en,zh", "--phrase", "Ava"],
            {
                "input_audio_transcription": {
                    "model": "mai-transcribe-1",
                    "language": "en,zh",
                    "phrase_list": ["Ava"],
                }
            },
        ),
        (["--transcription-model", "none"], {"input_audio_transcription": None}),
        (
            ["--noise-reduction", "far_field", "--echo-cancellation"],
            {
                "input_audio_noise_reduction": {"type": "far_field"},
                "input_audio_echo_cancellation": {"type": "server_echo_cancellation"},
            },
        ),
        (
            ["--input-format", "g711_ulaw", "--output-format", "pcm16_16000hz"],
            {"input_audio_format": "g711_ulaw", "input_audio_sampling_rate": 8000},
        ),
        (["--text-only"], {"modalities": ["text"]}),
        (
            [
                "--endpoint",
                "https://x.azure.com",
                "--model",
                "gpt-realtime",
                "--instructions",
                "Be brief.",
                "--temperature",
                "0.6",
            ],
            {
                "instructions": "Be brief.",
                "temperature": 0.6,
                "input_audio_transcription": {"model": "whisper-1"},
            },
        ),
    ],
)
def test_options_become_the_session(arguments: list[str], session: dict[str, Any]) -> None:
    options = vars(build_parser().parse_args(arguments))
    described = describe(**options)
    assert {key: described[key] for key in session} == session


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"endpoint": "x.services.ai.azure.com"}, "--endpoint: write the scheme too"),
        ({"endpoint": "https://x.azure.com/openai/realtime"}, "leave the path out"),
        ({"endpoint": "https://x.azure.com"}, "Give --agent-name and --project-name, or --model"),
        ({"endpoint": "https://x.azure.com", "agent_name": "a"}, "--project-name:"),
        ({"project_name": "p"}, "--agent-name:"),
        ({"agent_name": "a", "project_name": "p", "model": "m"}, "--model:"),
        (
            {
                "endpoint": "https://x.services.ai.azure.com",
                "agent_name": "a",
                "project_name": "p",
                "api_key": "k",
            },
            "--api-key: agents take a sign-in only.*az login",
        ),
        ({"agent_name": "a", "project_name": "p", "instructions": "x"}, "--instructions:"),
        ({"voice": "alloy", "voice_rate": "2"}, "--voice-rate: alloy has no such setting"),
        ({"voice_rate": "2"}, "--voice-rate: needs voice"),
        ({"voice": "x", "voice_type": "openai"}, "alloy, ash, ballad"),
        ({"turn_detection": "vad"}, "--turn-detection:.*'server_vad'"),
        ({"threshold": "2"}, "--threshold:.*less than or equal to 1"),
        ({"remove_filler_words": True}, "--remove-filler-words: needs turn_detection"),
        ({"input_format": "g711_alaw", "input_rate_hz": 16000}, "--input-rate-hz:.*8000"),
        ({"interim": "static"}, "--interim-text:"),
        ({"mcp_server": ["x"], "model": "m"}, "--mcp-server: write LABEL=URL"),
        ({"fast": True}, "--fast:.*--input"),
        ({"session": "[1]"}, "--session:"),
        ({"greet": True, "greeting": "Hi"}, "--greeting:"),
    ],
)
def test_errors_name_the_option_and_what_is_valid(options: dict[str, Any], text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        load_settings(options)


def test_errors_name_where_the_value_came_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICELIVE_THRESHOLD", "loud")
    with pytest.raises(SettingsError, match=r"^VOICELIVE_THRESHOLD:"):
        load_settings({})
    monkeypatch.delenv("VOICELIVE_THRESHOLD")
    Path(".env").write_text("AZURE_VOICELIVE_THRESHOLD=loud\n")
    with pytest.raises(SettingsError, match=r"^AZURE_VOICELIVE_THRESHOLD:"):
        load_settings({})
    Path(".env").unlink()
    profile = tmp_path / "p.toml"
    given = {"profile": str(profile)}
    profile.write_text("threshold = 'loud'\n")
    with pytest.raises(SettingsError, match=r"p.toml: threshold: input should be a valid number"):
        load_settings(given)
    profile.write_text("volume = 3\n")
    with pytest.raises(SettingsError, match="volume: no such setting"):
        load_settings(given)
    profile.write_text("= 3")
    with pytest.raises(SettingsError, match="not TOML"):
        load_settings(given)
    profile.unlink()
    with pytest.raises(SettingsError, match="--profile"):
        load_settings(given)


def test_settings_of_other_programs_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """One ``.env`` serves the server and the emulator as well; and LANGUAGE is the system's."""
    Path(".env").write_text(
        "VOICELIVE_EMULATOR_HEARING=auto\nLANGUAGE=de_DE:de\nVOICELIVE_VOICE=alloy\n"
        "VOICELIVE_EMULATOR_PORT=9000\nVOICELIVE_THRESHOLD=\n"
    )
    monkeypatch.setenv("MODEL", "m")
    monkeypatch.setenv("VOICELIVE_LEASE_SECONDS", "3")
    settings = load_settings({})
    assert (settings.voice, settings.language, settings.model) == ("alloy", None, None)
    assert settings.threshold is None
    assert settings.emulator_url == "http://127.0.0.1:9000"


@pytest.mark.parametrize("endpoint", [None, "http://127.0.0.1:8090", "http://localhost:9000"])
def test_an_emulator_on_this_machine_needs_no_names(endpoint: str | None) -> None:
    """With the emulator's own address as --endpoint, names of agent and project were demanded."""
    settings = load_settings({"endpoint": endpoint})
    assert settings.is_local
    assert load_settings({"endpoint": endpoint, "agent_name": "a"}).agent_name == "a"


@pytest.mark.parametrize(
    ("variable", "field", "value"),
    [
        ("VOICELIVE_INPUT", "input", ("a.wav", "b.wav")),
        ("AZURE_VOICELIVE_PHRASE", "phrase", ("a.wav", "b.wav")),
        ("VOICELIVE_MCP_SERVER", "mcp_server", None),
        ("VOICELIVE_JSON", "json_lines", True),
        ("VOICELIVE_INPUT_RATE_HZ", "input_rate_hz", 16000),
        ("VOICELIVE_INTERRUPT_RESPONSE", "interrupt_response", False),
    ],
)
def test_a_variable_is_named_as_its_option(
    variable: str, field: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Options with a name shorter than their field had variables that nobody could guess."""
    texts = {16000: "16000", True: "true", False: "0", None: "docs=https://example.com"}
    text = "a.wav; b.wav" if isinstance(value, tuple) else texts[value]  # type: ignore[index]
    monkeypatch.setenv(variable, text)
    monkeypatch.setenv("VOICELIVE_MODEL", "m")
    settings = load_settings({})
    assert getattr(settings, field) == (("docs=https://example.com",) if value is None else value)


@pytest.mark.parametrize(
    "options",
    [
        {"endpoint": "voice.example?api-key=s3cret-key"},
        {"endpoint": "https://me:s3cret-key@voice.example/openai/realtime", "model": "m"},
        {"model": "m", "mcp_server": ["https://example.com/mcp?key=s3cret-key"]},
    ],
)
def test_an_address_is_told_without_its_secrets(options: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(options)
    assert "s3cret-key" not in str(caught.value)


def test_the_key_is_never_in_an_error() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"api_key": "s3cret-key", "threshold": 3})
    assert "s3cret-key" not in str(caught.value)
    assert "s3cret-key" not in repr(load_settings({"api_key": "s3cret-key"}))


def test_an_agent_of_the_command_line_hides_the_model_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AZURE_VOICELIVE_MODEL", "m")
    settings = load_settings({"agent_name": "a", "project_name": "p"})
    assert settings.model is None
    monkeypatch.setenv("VOICELIVE_MODEL", "m")
    monkeypatch.setenv("VOICELIVE_INSTRUCTIONS", "Be brief.")
    settings = load_settings({"agent_name": "a", "project_name": "p"})
    assert settings.instructions is None
