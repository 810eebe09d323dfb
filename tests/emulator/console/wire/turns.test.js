import assert from "node:assert/strict";
import { test } from "node:test";
import { pageMarks, percentiles, scaleMs, spanOf, toRow } from "../../../../voicelive_agent/emulator/console/wire/turns.js";

const turn = (marks_ms, more = {}) => ({
	number: 1, kind: "speech", item_id: "i", response_id: "r", status: "completed", user_text: "", agent_text: "",
	voice_to_voice_ms: null, marks_ms, ...more,
});
const spoken = { speech_end: 1000, end_of_turn: 1500, transcript: 1560, post: 1561, first_delta: 1600, first_clause: 1610, first_audio_byte: 1640 };

test("a spoken turn's stages follow one another from the end of speech to the loudspeaker", () => {
	const row = toRow(turn(spoken), { page_playing: 1650, page_audible: 1680 });
	assert.deepEqual(row.segments.map(({ stage, fromMs, toMs }) => [stage, fromMs, toMs]), [
		["end-of-turn", 0, 500], ["transcript", 500, 560], ["agent", 560, 600], ["voice", 600, 640], ["page", 640, 650],
		["loudspeaker", 650, 680],
	]);
	assert.equal(row.totalMs, 680);
	assert.ok(row.segments.at(-1).isEstimated);
});

test("a greeting starts at its POST", () => {
	const row = toRow(turn({ post: 30, first_delta: 50, first_audio_byte: 90 }, { kind: "greeting" }));
	assert.deepEqual(row.segments.map(({ stage, fromMs }) => [stage, fromMs]), [["agent", 0], ["voice", 20]]);
});

test("a transcript that was ready before the turn ended took no time", () => {
	const row = toRow(turn({ ...spoken, transcript: 1400 }));
	assert.ok(!row.segments.some(({ stage }) => stage === "transcript"));
});

test("a turn that was superseded is open, and has no total", () => {
	const row = toRow(turn({ speech_end: 10, end_of_turn: 500 }, { response_id: null }));
	assert.deepEqual([row.isUnanswered, row.totalMs], [true, null]);
});

test("the page's marks are on the session's clock", () => {
	assert.deepEqual(pageMarks({ playing: 5_250 }, 5_000, 30), { page_playing: 250, page_audible: 280 });
	assert.deepEqual(pageMarks(undefined, 5_000, 30), {});
});

test("percentiles leave out turns that were typed or interrupted", () => {
	const rows = [100, 200, 300].map((ms) => toRow(turn({ speech_end: 0, first_audio_byte: ms })));
	rows.push(toRow(turn({ speech_end: 0, first_audio_byte: 9000, barge_in: 9500 })));
	rows.push(toRow(turn({ post: 0, first_audio_byte: 7000 }, { kind: "text" })));
	assert.deepEqual(percentiles(rows), { p50: 200, p95: 300, count: 3 });
	assert.deepEqual(percentiles([]), { p50: null, p95: null, count: 0 });
});

test("one round scale holds all rows", () => {
	assert.equal(scaleMs([toRow(turn({ speech_end: 0, first_delta: 749 }))]), 800);
	assert.equal(scaleMs([toRow(turn({ speech_end: 0, first_delta: 3100 }))]), 4000);
});

test("a turn is heard from its own speech to that of the next, however late their events came", () => {
	// The speech that cut turn 2 was told after its end on the service's clock: it was taken for a later one.
	const spoken = (number, item_id, speech_end) => toRow({ number, kind: "speech", item_id, response_id: "r", marks_ms: { speech_end } });
	const rows = [toRow({ number: 1, kind: "greeting", item_id: null, response_id: "r", marks_ms: { post: 20 } }), spoken(2, "a", 6101), spoken(3, "b", 9463)];
	const speech = [{ item: "a", fromMs: 5418, toMs: 6863 }, { item: "b", fromMs: 9664, toMs: 11058 }];
	const call = { rows, lanes: { speech, endMs: 13_798 }, offsetMs: 126 };
	assert.deepEqual(spanOf(rows[0], call), { fromMs: -154, toMs: 5418 });
	assert.deepEqual(spanOf(rows[1], call), { fromMs: 5118, toMs: 9664 });
	assert.deepEqual(spanOf(rows[2], call), { fromMs: 9364, toMs: 13_798 });
});

test("a turn that was typed is heard from its own beginning, and the last one to the end of the call", () => {
	const rows = [toRow({ number: 1, kind: "text", item_id: "t", response_id: "r", marks_ms: { post: 500 } })];
	const call = { rows, lanes: { speech: [], endMs: 4000 }, offsetMs: 100 };
	assert.deepEqual(spanOf(rows[0], call), { fromMs: 300, toMs: 4000 });
});
