import assert from "node:assert/strict";
import { test } from "node:test";
import { Observed } from "../../../../voicelive_agent/emulator/console/wire/observed.js";

const SECOND = 48_000;

/** A call of another client, told as its feed does: an answer of `seconds` from 1000 ms on. */
function watching({ seconds = 4, settings = {} } = {}) {
	const observed = new Observed("sess_1");
	const server = (at_ms, event) => observed.receive("server", { at_ms, event });
	observed.receive("opened", { id: "sess_1", answers: "agent desk", state: "open" });
	server(0, { type: "session.created", session: { id: "sess_1", ...settings } });
	server(900, { type: "response.created", response: { id: "r1" } });
	server(950, { type: "response.audio_transcript.delta", response_id: "r1", item_id: "i1", delta: "one two three four" });
	for (let at = 0; at < seconds; at++) {
		server(1000 + at, { type: "response.audio.delta", response_id: "r1", item_id: "i1", delta: "", audio_bytes: SECOND });
	}
	server(1100, { type: "response.done", response: { id: "r1", status: "completed" } });
	return { observed, server, entry: observed.session.agentEntry("i1") };
}

test("an answer is heard for as long as its sound lasts, though it was sent at once", () => {
	const { observed, entry } = watching();
	assert.equal(entry.audioMs, 4000);
	assert.equal(observed.heardAt(999), null);
	assert.equal(observed.heardAt(4999), "i1");
	assert.equal(observed.heardAt(5000), null);
	observed.moveTo(3000);
	assert.deepEqual([observed.session.playing, entry.playedMs], ["i1", 2000]);
});

test("an answer that comes while another is heard waits for its end", () => {
	const { observed, server } = watching();
	server(2000, { type: "response.created", response: { id: "r2" } });
	server(2050, { type: "response.audio.delta", response_id: "r2", item_id: "i2", delta: "", audio_bytes: SECOND });
	assert.deepEqual(observed.spans.get("i2"), { fromMs: 5000, toMs: 6000 });
});

test("a barge-in strikes what was not heard, and its truncation is the better count", () => {
	const { server, observed, entry } = watching();
	server(3000, { type: "input_audio_buffer.speech_started", item_id: "u1" });
	assert.equal(entry.cutMs, 2000);
	server(3001, { type: "conversation.item.truncated", item_id: "i1", audio_end_ms: 1950 });
	assert.deepEqual([entry.cutMs, entry.serverMs], [1950, 1950]);
	assert.equal(observed.heardAt(2951), null);
	assert.equal(observed.lanes.marks.filter(({ isCut }) => isCut).length, 1);
});

test("speech after an answer cuts nothing, nor where it may not", () => {
	const { server, entry } = watching();
	server(5001, { type: "input_audio_buffer.speech_started", item_id: "u1" });
	assert.equal(entry.cutMs, null);
	const polite = watching({ settings: { turn_detection: { interrupt_response: false } } });
	polite.server(3000, { type: "input_audio_buffer.speech_started", item_id: "u1" });
	assert.equal(polite.entry.cutMs, null);
});

test("sound of a telephone is counted in its own bytes", () => {
	const { entry } = watching({ seconds: 1, settings: { output_audio_format: "g711_ulaw" } });
	assert.equal(entry.audioMs, 6000);
});

test("what the other client typed and clicked is shown, and nothing can be clicked here", () => {
	const { observed, server } = watching();
	const buttons = [{ label: "Book", action: { book: 1 } }, { label: "Leave", action: {} }];
	server(1200, { type: "response.invocation.delta", response_id: "r1", delta: { type: "ui.buttons", buttons } });
	const card = observed.session.entries.at(-1);
	assert.equal(observed.session.click(card, 0), null);
	const content = [{ type: "input_text", text: "a table" }];
	observed.receive("client", { at_ms: 1300, event: { type: "conversation.item.create", item: { role: "user", content } } });
	observed.receive("client", { at_ms: 1400, event: { type: "response.create", response: { invoke_input: { book: 1 } } } });
	assert.equal(card.chosen, 0);
	assert.equal(observed.session.entries.findLast(({ kind }) => kind === "you").text, "a table");
});

test("a turn that is told again stands in the place of what was known of it", () => {
	const { observed } = watching();
	const turn = { number: 1, kind: "speech", response_id: null, marks_ms: { speech_end: 100 } };
	observed.receive("turn", { at_ms: 1, turn });
	observed.receive("turn", { at_ms: 2, turn: { ...turn, response_id: "r", marks_ms: { speech_end: 100, first_audio_byte: 400 } } });
	assert.deepEqual(observed.rows.map(({ totalMs }) => totalMs), [300]);
});

test("a file of lines is the same session", () => {
	const observed = new Observed("sess_1", { isRecording: true });
	const audio = Buffer.alloc(SECOND).toString("base64");
	const lines = [
		{ at_ms: 0, connection: { query: { "agent-name": "desk" } } },
		{ at_ms: 1, from: "client", event: { type: "input_audio_buffer.append", audio: "" } },
		{ at_ms: 2, from: "client", event: "no JSON" },
		{ at_ms: 900, from: "server", event: { type: "response.created", response: { id: "r1" } } },
		{ at_ms: 1000, from: "server", event: { type: "response.audio.delta", response_id: "r1", item_id: "i1", delta: audio } },
		{ at_ms: 1001, kind: "turn", turn: { number: 1, kind: "greeting", marks_ms: { post: 5, first_audio_byte: 20 } } },
		{ at_ms: 1002, kind: "of another version" },
	];
	for (const line of lines) observed.readLine(line);
	assert.equal(observed.summary.answers, "agent desk");
	assert.equal(observed.session.agentEntry("i1").audioMs, 1000);
	assert.equal(observed.rows.length, 1);
	assert.deepEqual([observed.log.rows.length, observed.log.appends], [3, 1]);
	assert.equal(observed.phase, "ended");
});

test("events that are no longer kept are told", () => {
	const { observed } = watching();
	observed.receive("gap", { lost: 12 });
	assert.match(observed.session.entries.at(-1).text, /12 earlier/);
});
