"""Responses of one session: which one runs, what it is asked, and how it ends.

At most one response is active. A ``response.create`` while one is active is refused with
``conversation_already_has_active_response``, as clients of the service report, although the
reference gives ``cancel_previous`` the default true; ``cancel_previous: true`` cancels the active
response first, and so does a click (``invoke_input``) unless it says false. One that follows on a
complete function call waits for the end of the response that called, because a client may have
the output before that end reaches it.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any

from voicelive_agent.emulator import agents
from voicelive_agent.emulator.session.configuration import Configuration
from voicelive_agent.emulator.session.conversation import ConversationItems
from voicelive_agent.emulator.session.effects import (
    AskAgent,
    ClearTimer,
    SetTimer,
    StopAgent,
    StopSpeaking,
    TellHeard,
)
from voicelive_agent.emulator.session.facts import (
    AgentSent,
    AnswerFailed,
    ClauseAudio,
    ClauseSpoken,
    InterimWritten,
    McpCalled,
)
from voicelive_agent.emulator.session.heard import PlaybackEstimate, SpokenText
from voicelive_agent.emulator.session.items import ConversationItem
from voicelive_agent.emulator.session.mcp_servers import McpServers
from voicelive_agent.emulator.session.plan import Plan
from voicelive_agent.emulator.session.responses.agent_requests import (
    build_agent_request,
    count_chars,
    settle_response,
)
from voicelive_agent.emulator.session.responses.interims import Interims
from voicelive_agent.emulator.session.responses.outputs import McpCallOutput
from voicelive_agent.emulator.session.responses.response import InputSize, Response
from voicelive_agent.emulator.session.responses.response_requests import (
    ResponseRequest,
    prepare,
    read_request,
)
from voicelive_agent.wire.voice_live.events import CancelResponse, CreateResponse
from voicelive_agent.wire.voice_live.shapes import ProtocolError

PAUSE_MS = 150
"""Text that stands still for so long is spoken, if it reads as a clause."""

_ASKED = 8
"""Answers that may still play when somebody speaks."""
_TRUNCATION_APPENDS = ("azure_semantic_vad", "azure_semantic_vad_multilingual")


class Responder:
    """The responses of one session."""

    def __init__(
        self,
        plan: Plan,
        configuration: Configuration,
        conversation: ConversationItems,
        playback: PlaybackEstimate,
        mcp: McpServers,
        *,
        conversation_id: str,
        model: str,
    ) -> None:
        self._plan = plan
        self._configuration = configuration
        self._conversation = conversation
        self._playback = playback
        self._mcp = mcp
        self._approvals: dict[str, McpCallOutput] = {}
        """Calls that wait for the person, by the id of the item that asks."""
        self._conversation_id = conversation_id
        self._model = model
        self._interims = Interims(plan, configuration)
        self._due: ResponseRequest | None = None
        self.active: Response | None = None
        self._asked: deque[Response] = deque(maxlen=_ASKED)
        """Those that the agent was asked for last."""
        self._warned: set[str] = set()
        self.has_spoken = False
        """Whether the session has produced audio."""

    # What the client asks.

    def create(self, event: CreateResponse, *, is_transcribing: bool) -> str:
        """``response.create``; ``is_transcribing``: something was said that is not text yet.

        The text of a prepared response, which the agent has not said; else an empty one.
        Raises ProtocolError.
        """
        in_agent_mode = self._configuration.in_agent_mode
        request = read_request(event, in_agent_mode=in_agent_mode, new_id=self._plan.new_id)
        follows_call = self.active is not None and self.active.has_called and self._due is None
        if not (request.cancels_previous or follows_call) and (self.active or self._due):
            raise ProtocolError(
                "A response is active: wait for its response.done, send response.cancel, or set "
                "cancel_previous to true.",
                code="conversation_already_has_active_response",
            )
        if request.prepared is not None:
            self._conversation.require_new_id(
                request.prepared, "response.pre_generated_assistant_message"
            )
        if request.appended_items and request.is_committed:
            self._conversation.add_from_client(
                list(request.appended_items), None, "response.append_input_items"
            )
        self._plan.warn_all(self._configuration.warn_unsupported(dict(request.params), "response"))
        if in_agent_mode:
            self._plan.warn_all(request.warn_ignored_by_agents())
        if request.cancels_previous:
            self._due = None
            self.cut("client_cancelled")
        if self.active is not None or (is_transcribing and request.awaits_transcripts):
            self._due = request
        else:
            self._start(request)
        return request.prepared.text() if request.prepared is not None else ""

    def cancel(self, event: CancelResponse) -> None:
        """``response.cancel``. Raises ProtocolError."""
        is_other = event.response_id is not None and (
            self.active is None or self.active.id != event.response_id
        )
        if is_other or (self.active is None and self._due is None):
            raise ProtocolError(
                "There is no such active response to cancel.",
                code="response_cancel_not_active",
                param="response_id" if is_other else None,
            )
        if self.active is None and self._due is not None:
            # It waits for a transcript: the client gets the response that it asked for, cancelled.
            self._open(self._due)
            self._due = None
        self.cut("client_cancelled")

    # What turns ask.

    def want_answer(self) -> None:
        """A turn has been transcribed and is to be answered unasked."""
        self._due = self._due or ResponseRequest()

    def interrupt(self) -> None:
        """The person speaks: an active response ends, and playback with it.

        What waits to be answered goes on waiting, and is answered with what is said now.
        """
        self.cut("turn_detected")

    def is_answering(self) -> bool:
        """Whether an answer is being given, or still played."""
        return self.active is not None or self._playback.is_playing(self._plan.now_ms)

    @property
    def has_something_due(self) -> bool:
        """Whether a response waits to begin."""
        return self._due is not None

    @property
    def plays_until_ms(self) -> float:
        """When the client will have played all that it has."""
        return self._playback.ends_ms

    def start_offer(self, offer_id: str) -> None:
        """The agent may say what it has offered: a response that answers no turn."""
        response = self._open(ResponseRequest())
        language = self._configuration.language
        request = agents.AgentRequest(kind="offer", offer_id=offer_id, language=language)
        self._ask(response, request)

    def greet(self, text: str) -> bool:
        """Say a text of the session's own, once nobody speaks; not where something else is said."""
        if self._due is not None or self.active is not None:
            return False
        self._due = prepare(text, self._plan.new_id)
        return True

    def start_due(self, *, is_hearing: bool) -> None:
        """Begin the response that waits, if nothing is in its way any more.

        ``is_hearing``: the person is speaking, or has spoken and is being transcribed.
        """
        if self._due is not None and self.active is None and not is_hearing:
            request, self._due = self._due, None
            self._start(request)

    def cut(self, reason: str) -> None:
        """End the active response as cancelled, and playback with it.

        What is kept of each answer is what was played of it.
        """
        response = self.active
        if response is not None:
            self._stop_engines(response)
        cut_short: list[SpokenText] = []
        for spoken, played_ms in self._playback.stop(self._plan.now_ms):
            spoken.cut(played_ms)
            cut_short.append(spoken)
        if response is not None:
            for message in response.spoken_messages():
                if message.spoken not in cut_short:
                    message.spoken.cut(message.spoken.audio_ms)
                    cut_short.append(message.spoken)
        self._tell_heard(cut_short)
        truncated = self._truncate(cut_short) if reason == "turn_detected" else []
        if response is not None:
            response.close_outputs()
        for item, spoken in truncated:
            self._conversation.tell_truncated(item, spoken.heard_ms)
        if response is not None:
            self._end(response, "cancelled", {"type": "cancelled", "reason": reason})

    def _tell_heard(self, cut_short: list[SpokenText]) -> None:
        """Answers of the agent were interrupted, while they were made or while they played."""
        for response in self._asked:
            if response is self.active or response.is_among(cut_short):
                self._plan.do(TellHeard(response.id, response.heard_text()))

    def end_all(self, reason: str) -> None:
        """The session ends: no response is active any more, and none follows."""
        self._due = None
        self.cut(reason)

    def stop(self) -> None:
        """The session ends, and nobody is there to be told."""
        response, self.active, self._due = self.active, None, None
        if response is not None:
            self._stop_engines(response)

    def _truncate(self, cut_short: list[SpokenText]) -> list[tuple[ConversationItem, SpokenText]]:
        """The items that lose their unheard end by the session's own will."""
        turn_detection = self._configuration.now.turn_detection
        if turn_detection is None or not turn_detection.auto_truncate:
            return []
        truncated = [
            (item, item.spoken)
            for item in self._conversation.items
            if item.spoken is not None and item.spoken in cut_short
        ]
        if turn_detection.type in _TRUNCATION_APPENDS:
            for _, spoken in truncated:
                spoken.appended = turn_detection.appended_text_after_truncation or ""
        return truncated

    # What engines tell.

    def take_agent_event(self, fact: AgentSent) -> None:
        response = self.active
        if response is None or response.id != fact.response_id or not response.awaits_agent:
            return
        match fact.event:
            case agents.TextDelta(text):
                self._interims.stop(response)
                if response.add_text(text):
                    self._plan.do(SetTimer(_pause_timer(response), PAUSE_MS))
            case agents.TextDone():
                self._plan.do(ClearTimer(_pause_timer(response)))
                response.complete_text()
            case agents.VoicePatch(patch):
                response.change_voice(self._configuration.patch_voice(patch))
            case agents.ScreenEvent(payload):
                response.add_event(payload)
            case agents.ToolWaiting():
                response.pause()
                self._interims.speak(response, "tool")
            case agents.FunctionCallBegan(call_id, name):
                self._interims.stop(response)
                self._begin_call(response, call_id, name)
            case agents.ArgumentsDelta(call_id, delta):
                call = response.find_call(call_id)
                if call is not None and delta:
                    call.add_arguments(delta)
            case agents.FunctionCall(call_id, name, arguments):
                self._begin_call(response, call_id, name)
                mcp_call = response.complete_call(call_id, name, arguments)
                if mcp_call is not None:
                    self._run_mcp_call(mcp_call)
            case agents.AnswerFinished() as finished:
                for warning in finished.warnings:
                    # An agent does at each turn what it does at one.
                    if warning not in self._warned:
                        self._warned.add(warning)
                        self._plan.warn(warning, "agent_contract_violation")
                for breach in finished.breaches:
                    failure = self._tell_failure("agent_contract_violation", breach)
                    response.failure = response.failure or failure
                response.usage = finished.usage
                response.incomplete_reason = finished.incomplete_reason
                self._finish_answer(response)

    def _begin_call(self, response: Response, call_id: str, name: str) -> None:
        if response.find_call(call_id) is not None:
            return
        target = self._mcp.find(name)
        if target is None or self._configuration.has_function(name):
            response.begin_call(call_id, name)
        else:
            response.begin_mcp_call(call_id, name, target)

    def _run_mcp_call(self, call: McpCallOutput) -> None:
        """Call the tool, or ask the person first."""
        if not call.target.needs_approval:
            call.begin()
            return
        fields = {
            "type": "mcp_approval_request",
            "server_label": call.target.endpoint.label,
            "name": call.target.tool.name,
            "arguments": call.item.fields["arguments"],
        }
        asking = ConversationItem(fields, self._plan.new_id("mcpr"))
        call.item.fields["approval_request_id"] = asking.id
        self._approvals[asking.id] = call
        self._conversation.append(asking)
        self._conversation.announce(asking)

    def require_approval(self, request_id: str) -> None:
        """Raises ProtocolError where no call waits for this approval."""
        call = self._approvals.get(request_id)
        if call is None or not call.is_open:
            raise ProtocolError(
                f"No call waits for approval '{request_id}': send the id of the item "
                "mcp_approval_request, while its response is active.",
                code="invalid_value",
                param="item.approval_request_id",
            )

    def approve(self, item: ConversationItem) -> None:
        """The person has decided on a call."""
        call = self._approvals.pop(item.fields["approval_request_id"])
        if item.fields["approve"]:
            call.begin()
            return
        call.finish("The person did not approve the call.", is_error=True)
        if self.active is not None:
            self._end_if_complete(self.active)

    def take_mcp_result(self, fact: McpCalled) -> None:
        call = self.active.find_mcp_call(fact.item_id) if self.active is not None else None
        if call is not None and self.active is not None:
            call.finish(fact.output, is_error=fact.is_error)
            self._end_if_complete(self.active)

    def fail_agent(self, fact: AnswerFailed) -> None:
        response = self.active
        if response is not None and response.id == fact.response_id and response.awaits_agent:
            response.awaits_agent = False
            self._fail(response, fact.code, fact.message)

    def take_interim(self, fact: InterimWritten) -> None:
        if self.active is not None:
            self._interims.take(self.active, fact)

    def add_audio(self, fact: ClauseAudio) -> None:
        if self.active is not None and self.active.id == fact.response_id:
            self.has_spoken = self.has_spoken or bool(fact.audio)
            self.active.add_audio(fact)

    def end_clause(self, fact: ClauseSpoken) -> None:
        if self.active is not None and self.active.id == fact.response_id:
            self.active.end_clause(fact.clause)
            self._end_if_complete(self.active)

    def fail_speaking(self, response_id: str, message: str) -> None:
        if self.active is not None and self.active.id == response_id:
            self._fail(self.active, "speech_synthesis_error", message)

    def expire(self, timer: str) -> None:
        """A timer of the active response ran out; others are no business of this."""
        response = self.active
        if response is None:
            return
        if timer == _pause_timer(response):
            response.pause()
        self._interims.expire(response, timer)

    # One response.

    def _start(self, request: ResponseRequest) -> None:
        response = self._open(request)
        if request.prepared is not None:
            part = request.prepared.fields["content"][0]
            is_free = self._conversation.find(request.prepared.id) is None
            response.add_text(part["text"], request.prepared.id if is_free else None)
            response.complete_text()
            self._end_if_complete(response)
            return
        unanswered = self._conversation.unanswered()
        asked = build_agent_request(
            request, self._configuration, self._conversation, self._model, self._mcp
        )
        if request.is_committed:
            for item in unanswered:
                item.awaits_answer = False
        if asked is None:
            self._fail(
                response,
                "no_input",
                "There is no word to answer, spoken or typed: speak again, or send some text.",
            )
            return
        response.input_size = InputSize(
            count_chars(asked), sum(item.audio_ms for item in unanswered)
        )
        response.asked_text = asked.text
        self._ask(response, asked)
        self._interims.wait(response)

    def _ask(self, response: Response, request: agents.AgentRequest) -> None:
        response.awaits_agent = True
        self._asked.append(response)
        self._plan.do(AskAgent(response.id, request))

    def _open(self, request: ResponseRequest) -> Response:
        settings = settle_response(request, self._configuration, self._conversation_id)
        response = Response(settings, self._plan, self._conversation, self._playback)
        self.active = response
        response.begin()
        return response

    def _finish_answer(self, response: Response) -> None:
        response.awaits_agent = False
        self._stop_waiting(response)
        response.complete_text()
        self._end_if_complete(response)

    def _end_if_complete(self, response: Response) -> None:
        if not response.is_complete:
            return
        reason = response.incomplete_reason
        if response.failure is not None:
            self._end(response, "failed", {"type": "failed", "error": response.failure})
        elif reason is not None:
            self._end(response, "incomplete", {"type": "incomplete", "reason": reason})
        else:
            self._end(response, "completed")

    def _fail(self, response: Response, code: str, message: str) -> None:
        """The response can't go on; what was sent of it goes on playing."""
        failure = self._tell_failure(code, message)
        self._stop_engines(response)
        for spoken_message in response.spoken_messages():
            spoken_message.spoken.cut(spoken_message.spoken.audio_ms)
        response.close_outputs()
        self._end(response, "failed", {"type": "failed", "error": failure})

    def _tell_failure(self, code: str, message: str) -> dict[str, Any]:
        """An ``error`` event; the error as ``status_details`` repeats it."""
        error = ProtocolError(message, code=code, type="server_error")
        self._plan.fail(error)
        return {"type": error.type, "code": code, "message": message}

    def _end(
        self, response: Response, status: str, details: Mapping[str, Any] | None = None
    ) -> None:
        response.end(status, details)
        self.active = None

    def _stop_engines(self, response: Response) -> None:
        if response.awaits_agent:
            response.awaits_agent = False
            self._plan.do(StopAgent(response.id))
        if response.is_speech_due:
            self._plan.do(StopSpeaking(response.id))
        self._stop_waiting(response)

    def _stop_waiting(self, response: Response) -> None:
        self._interims.stop(response)
        self._plan.do(ClearTimer(_pause_timer(response)))


def _pause_timer(response: Response) -> str:
    return f"pause:{response.id}"
