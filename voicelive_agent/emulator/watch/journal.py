"""Journal of one session: its marks, its feed, and its recording where one is kept."""

from collections.abc import Callable, Mapping
from typing import Any

from voicelive_agent.emulator import agents
from voicelive_agent.emulator.session import Effect, Fact, effects, facts
from voicelive_agent.emulator.watch.client_playback import ClientPlayback, PlaybackListener
from voicelive_agent.emulator.watch.marks import SessionMarks
from voicelive_agent.emulator.watch.recording import WAV_RATE_HZ, SessionRecording
from voicelive_agent.emulator.watch.session_feed import SessionFeed


class Journal:
    """Told every fact, effect and frame of a session; changes nothing of it."""

    def __init__(
        self,
        marks: SessionMarks,
        now_ms: Callable[[], float],
        client_playback: ClientPlayback,
        feed: SessionFeed,
        recording: SessionRecording | None,
        is_playing: Callable[[float], bool],
    ) -> None:
        """``now_ms`` is the session's clock.

        ``is_playing`` tells whether the client plays an answer at a time of it.
        """
        self._marks = marks
        self._now_ms = now_ms
        self._client_playback = client_playback
        self._feed = feed
        self._recording = recording
        if recording is not None:
            client_playback.connect(
                PlaybackListener(WAV_RATE_HZ, recording.place_played, recording.cut_played)
            )
        self._is_playing = is_playing
        self._was_playing = False
        self._interrupts = False
        self._last_heard: str | None = None
        self._formats: dict[str, str] = {}

    def note_frame(self, event: Any) -> None:
        """A frame came from the client."""
        now_ms = self._marks.now_ms()
        self._feed.add_client(now_ms, event)
        if self._recording is not None:
            self._recording.add_event(now_ms, "client", event)

    def note_heard(self, at_ms: float, pcm: bytes, audio_end_ms: float, waited_ms: float) -> None:
        """Input audio, at its place on the session's clock; ``waited_ms`` since it arrived."""
        self._marks.audio_arrived(audio_end_ms, waited_ms)
        if self._recording is not None:
            self._recording.place_heard(at_ms, pcm)

    def note_fact(self, fact: Fact) -> None:
        """Called before the session takes it in."""
        self._was_playing = self._is_playing(self._now_ms())
        if isinstance(fact, facts.AgentSent) and isinstance(fact.event, agents.TextDelta):
            self._mark_response(fact.response_id, "first_delta_ms")
            self._tell_turns()

    def note_audible(self, response_id: str, offset_ms: float) -> None:
        """The first audible sample of a response was made, ``offset_ms`` into its audio."""
        turn = self._marks.of_response(response_id)
        if turn is not None:
            first_byte_ms = turn.marks.get("first_audio_byte_ms", self._marks.now_ms())
            turn.mark("first_audible_sample_ms", first_byte_ms + offset_ms)
            self._tell_turns()

    def note_effect(self, effect: Effect) -> None:
        match effect:
            case effects.Send(event, audio):
                now_ms = self._marks.now_ms()
                self._feed.add_server(now_ms, event, audio)
                self._note_event(event, audio)
                if self._recording is not None:
                    self._recording.add_event(now_ms, "server", event)
            case effects.AskAgent(response_id, request):
                self._mark_response(response_id, "post_ms")
                self._name_turn(response_id, request)
            case effects.ConfigureInput(turn_detection=detection):
                self._interrupts = detection is not None and detection.interrupt_response
            case effects.Speak(response_id=response_id, output_format=output_format):
                self._mark_response(response_id, "first_clause_ms")
                self._formats[response_id] = output_format
        self._tell_turns()

    def _tell_turns(self) -> None:
        for turn in self._marks.take_changed():
            now_ms = self._marks.now_ms()
            self._feed.add_turn(now_ms, turn)
            if self._recording is not None:
                self._recording.add_turn(now_ms, turn.as_json())

    def _note_event(self, event: Mapping[str, Any], audio: bytes) -> None:
        now_ms = self._marks.now_ms()
        match event.get("type"):
            case "input_audio_buffer.speech_started":
                if self._was_playing and self._interrupts:
                    self._end_playback(self._last_heard)
                self._marks.begin_turn("speech").note(item_id=event["item_id"])
            case "input_audio_buffer.speech_stopped":
                if (turn := self._marks.of_item(event["item_id"])) is not None:
                    turn.mark("speech_end_ms", self._marks.arrival_ms(event["audio_end_ms"]))
                    turn.mark("end_of_turn_ms", now_ms)
            case "input_audio_buffer.committed":
                turn = self._marks.of_item(event["item_id"]) or self._marks.begin_turn("manual")
                turn.note(item_id=event["item_id"])
                turn.mark("end_of_turn_ms", now_ms)
            case "conversation.item.input_audio_transcription.completed":
                if (turn := self._marks.of_item(event["item_id"])) is not None:
                    turn.mark("transcript_ms", now_ms)
                    turn.note(user_text=event["transcript"])
            case "response.created":
                self._begin_response(event["response"]["id"])
            case "response.audio.delta":
                self._mark_response(event["response_id"], "first_audio_byte_ms")
                self._last_heard = event["response_id"]
                self._play(event["response_id"], event["item_id"], audio)
            case "response.audio.done":
                self._client_playback.finish()
            case "conversation.item.truncated":
                # After a barge-in too, where it says little that is new; by itself, it is the
                # client that interrupts, which has counted what it played.
                cut = self._client_playback.stop_item(event["item_id"], event["audio_end_ms"])
                if cut is not None:
                    self._mark_response(cut, "barge_in_ms")
            case "response.audio_transcript.done" | "response.text.done":
                if (turn := self._marks.of_response(event["response_id"])) is not None:
                    turn.note(agent_text=event.get("transcript", event.get("text")))
            case "response.done":
                self._end_response(event["response"], now_ms)

    def _begin_response(self, response_id: str) -> None:
        turn = self._marks.unanswered() or self._marks.begin_turn("announcement")
        turn.note(response_id=response_id, status="in_progress")

    def _name_turn(self, response_id: str, request: agents.AgentRequest) -> None:
        """A turn that nothing was said in is known by what is asked."""
        turn = self._marks.of_response(response_id)
        if turn is not None and turn.item_id is None:
            kind = "text" if request.kind == "speech" else request.kind
            turn.note(kind=kind, user_text=request.text or None)

    def _end_response(self, response: Mapping[str, Any], now_ms: float) -> None:
        self._formats.pop(response["id"], None)
        turn = self._marks.of_response(response["id"])
        if turn is None:
            return
        turn.note(status=response["status"])
        turn.mark("end_ms", now_ms)
        if response["status"] == "cancelled":
            interrupted = (response.get("status_details") or {}).get("reason") == "turn_detected"
            self._end_playback(response["id"] if interrupted else None)

    def _end_playback(self, interrupted_id: str | None) -> None:
        """The client plays no more of what it has."""
        if interrupted_id is not None:
            self._mark_response(interrupted_id, "barge_in_ms")
        self._client_playback.stop()

    def _play(self, response_id: str, item_id: str, audio: bytes) -> None:
        output_format = self._formats.get(response_id)
        if output_format is not None:
            self._client_playback.play(response_id, item_id, output_format, audio)

    def _mark_response(self, response_id: str, name: str) -> None:
        if (turn := self._marks.of_response(response_id)) is not None:
            turn.mark(name, self._marks.now_ms())
