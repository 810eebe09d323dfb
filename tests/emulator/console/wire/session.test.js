import assert from "node:assert/strict";
import { test } from "node:test";
import { Session } from "../../../../voicelive_agent/emulator/console/wire/session.js";

/** A session that is ready, with an answer of which `audioMs` have come. */
function answering({ audioMs = 4000, truncates = true } = {}) {
	const session = new Session();
	session.receive({ type: "session.created", session: { id: "sess_1", turn_detection: { auto_truncate: truncates } } }, 0);
	session.receive({ type: "session.updated", session: { id: "sess_1", turn_detection: { auto_truncate: truncates } } }, 1);
	session.receive({ type: "response.created", response: { id: "resp_1" } }, 2);
	const audio = Buffer.alloc(audioMs * 48).toString("base64");
	session.receive({ type: "response.audio_transcript.delta", response_id: "resp_1", item_id: "item_1", delta: "one two three" }, 3);
	const effects = session.receive({ type: "response.audio.delta", response_id: "resp_1", item_id: "item_1", delta: audio }, 4);
	session.began("item_1", 5);
	return { session, effects, entry: session.agentEntry("item_1") };
}

const finish = (session) => session.receive({ type: "response.done", response: { id: "resp_1", status: "completed" } }, 9);
const sent = (effects) => effects.filter((effect) => effect.do === "send").map((effect) => effect.event);

test("a session is configured when it opens, and ready once", () => {
	const session = new Session();
	assert.deepEqual(session.receive({ type: "session.created", session: { id: "s" } }, 0), [{ do: "configure" }]);
	assert.deepEqual(session.receive({ type: "session.updated", session: { id: "s" } }, 0), [{ do: "ready" }]);
	assert.deepEqual(session.receive({ type: "session.updated", session: { id: "s" } }, 0), []);
});

test("sound is played, and its length is known", () => {
	const { effects, entry } = answering({ audioMs: 250 });
	assert.equal(effects[0].do, "play");
	assert.equal(entry.audioMs, 250);
});

test("a barge-in cuts at once, and late deltas of the answer are not played", () => {
	const { session } = answering();
	const effects = session.receive({ type: "input_audio_buffer.speech_started", item_id: "u1" }, 10);
	assert.deepEqual(effects, [{ do: "cut", why: "barge-in" }]);
	const late = session.receive({ type: "response.audio.delta", response_id: "resp_1", item_id: "item_1", delta: "AAAA" }, 11);
	assert.deepEqual(late, []);
	assert.equal(session.lateDeltas, 1);
});

test("where nothing is made or heard, speech cuts nothing", () => {
	const { session } = answering();
	finish(session);
	session.finished("item_1", 10);
	assert.deepEqual(session.receive({ type: "input_audio_buffer.speech_started", item_id: "u1" }, 11), []);
});

test("a session that does not let itself be interrupted is not cut", () => {
	const { session } = answering();
	session.settings.turn_detection.interrupt_response = false;
	assert.deepEqual(session.receive({ type: "input_audio_buffer.speech_started", item_id: "u1" }, 11), []);
});

for (const order of ["page first", "service first"]) {
	const bargedIn = (serverMs, playedMs) => {
		const { session, entry } = answering();
		session.receive({ type: "input_audio_buffer.speech_started", item_id: "u1" }, 10);
		const truncated = () => session.receive({ type: "conversation.item.truncated", item_id: "item_1", audio_end_ms: serverMs }, 12);
		const cut = () => session.wasCut([{ item: "item_1", playedMs, leftMs: 900 }], "barge-in");
		const effects = order === "page first" ? [...cut(), ...truncated()] : [...truncated(), ...cut()];
		return { entry, events: sent(effects) };
	};

	test(`page and service agree on what was heard: nothing is sent (${order})`, () => {
		const { entry, events } = bargedIn(1250, 1234.5);
		assert.deepEqual(events, []);
		assert.deepEqual([entry.cutMs, entry.serverMs], [1234, 1250]);
	});

	test(`they differ by more than a word: the page's count is sent once (${order})`, () => {
		const { entry, events } = bargedIn(1700, 1234.5);
		assert.deepEqual(events, [{ type: "conversation.item.truncate", item_id: "item_1", content_index: 0, audio_end_ms: 1234 }]);
		assert.equal(entry.serverMs, 1700);
	});
}

test("the service cuts an answer that the page had played to its end: it is told the whole", () => {
	const { session, entry } = answering({ audioMs: 4000 });
	finish(session);
	session.played("item_1", 4000);
	session.finished("item_1", 10);
	const events = sent(session.receive({ type: "conversation.item.truncated", item_id: "item_1", audio_end_ms: 3700 }, 12));
	assert.equal(events[0].audio_end_ms, 4000);
	assert.equal(entry.cutMs, null);
});

test("an answer that is cut keeps when its words were said, and one that was heard whole needs it no more", () => {
	// The loudspeaker tells that it is quiet before it tells that it was cut: the wrong words were struck.
	for (const [playedMs, kept] of [[1590, 1], [4000, 0]]) {
		const { session, entry } = answering({ audioMs: 4000 });
		entry.words = [{ text: "one", startMs: 0, endMs: 200 }];
		session.receive({ type: "response.output_item.done", response_id: "resp_1", item: { id: "item_1", status: "completed" } }, 8);
		finish(session);
		session.played("item_1", playedMs);
		session.finished("item_1", 10);
		assert.equal(entry.words.length, kept);
	}
});

test("without auto_truncate the page truncates by itself", () => {
	const { session } = answering({ truncates: false });
	session.receive({ type: "input_audio_buffer.speech_started", item_id: "u1" }, 10);
	const events = sent(session.wasCut([{ item: "item_1", playedMs: 800, leftMs: 1 }], "barge-in"));
	assert.deepEqual(events.map(({ type }) => type), ["conversation.item.truncate"]);
});

test("an interruption cancels only a response that is in progress", () => {
	const { session } = answering();
	session.silence("interrupt");
	const during = sent(session.wasCut([{ item: "item_1", playedMs: 500.9, leftMs: 10 }], "interrupt"));
	assert.deepEqual(during.map(({ type }) => type), ["response.cancel", "conversation.item.truncate"]);
	assert.equal(during[1].audio_end_ms, 500);

	const after = answering().session;
	finish(after);
	after.silence("interrupt");
	const events = sent(after.wasCut([{ item: "item_1", playedMs: 500, leftMs: 10 }], "interrupt"));
	assert.deepEqual(events.map(({ type }) => type), ["conversation.item.truncate"]);
});

test("a cancel that crosses the end of its response is no error", () => {
	const { session } = answering();
	session.receive({ type: "error", error: { code: "response_cancel_not_active", message: "no" } }, 1);
	assert.equal(session.entries.filter(({ kind }) => kind === "note").length, 0);
});

test("a button works once, and dies with the next turn", () => {
	const { session } = answering();
	const show = () => {
		session.receive({ type: "response.invocation.delta", delta: { type: "ui.buttons", buttons: [{ label: "A", action: { a: 1 } }] } }, 1);
		return session.entries.at(-1);
	};
	const first = show();
	assert.deepEqual(session.click(first, 0), { type: "response.create", response: { invoke_input: { a: 1 } } });
	assert.equal(session.click(first, 0), null);
	const second = show();
	session.receive({ type: "input_audio_buffer.committed", item_id: "u9" }, 2);
	assert.equal(session.click(second, 0), null);
});

test("partial text becomes the transcript; nothing understood is told", () => {
	const session = new Session();
	const type = "conversation.item.input_audio_transcription";
	session.receive({ type: "input_audio_buffer.speech_started", item_id: "u1" }, 0);
	session.receive({ type: `${type}.delta`, item_id: "u1", delta: "what are" }, 1);
	assert.deepEqual([session.entries[0].text, session.entries[0].isPartial], ["what are", true]);
	session.receive({ type: `${type}.completed`, item_id: "u1", transcript: "what are you" }, 2);
	assert.deepEqual([session.entries[0].text, session.entries[0].isPartial], ["what are you", false]);
	session.receive({ type: `${type}.completed`, item_id: "u2", transcript: "" }, 2);
	assert.match(session.entries[1].problem, /nothing was understood/);
});

test("an agent that ends the call is heard out first", () => {
	const { session } = answering();
	session.receive({ type: "response.invocation.delta", delta: { type: "agent.end_call", reason: "bye" } }, 5);
	assert.deepEqual(finish(session), []);
	assert.deepEqual(session.finished("item_1", 10), [{ do: "hangUp", why: "bye" }]);
});

test("a delta that is a whole line of a stream is read all the same", () => {
	const session = new Session();
	session.receive({ type: "response.invocation.delta", delta: 'data: {"type":"ui.card","title":"T"}' }, 0);
	assert.equal(session.entries[0].card.title, "T");
});

test("whoever let go of the button without a word is told so, and no agent has failed", () => {
	const session = new Session();
	const error = { code: "no_input", message: "There is no word to answer." };
	session.receive({ type: "error", error }, 0);
	session.receive({ type: "response.done", response: { id: "r", status: "failed", status_details: { error } } }, 1);
	assert.equal(session.failure, null);
	assert.deepEqual(session.entries.map(({ level, text }) => [level, text]), [["info", error.message]]);
});

test("what failed can be asked again as it was asked, and the failure ends with the next answer", () => {
	const failed = { type: "response.done", response: { id: "r", status: "failed", status_details: { error: { code: "agent_unreachable", message: "nothing answers" } } } };
	const session = new Session();
	session.receive(failed, 0);
	assert.deepEqual(session.asking, [{ type: "response.create" }]);
	assert.equal(session.failure.code, "agent_unreachable");
	session.receive({ type: "conversation.item.input_audio_transcription.completed", item_id: "u", transcript: "what now" }, 1);
	session.receive(failed, 2);
	assert.equal(session.asking[0].item.content[0].text, "what now");
	session.receive({ type: "response.created", response: { id: "r2" } }, 3);
	assert.equal(session.failure, null);
	session.receive({ type: "response.invocation.delta", delta: { type: "ui.buttons", buttons: [{ label: "A", action: { a: 1 } }] } }, 4);
	session.click(session.entries.at(-1), 0);
	assert.deepEqual(session.asking, [{ type: "response.create", response: { invoke_input: { a: 1 } } }]);
});
