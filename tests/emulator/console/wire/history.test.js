import assert from "node:assert/strict";
import { test } from "node:test";
import { askedOf, endingOf, readReply } from "../../../../voicelive_agent/emulator/console/wire/history.js";

const turn = (some) => ({ kind: "speech", text: "", action: null, reply: "One. Two. Three.", heard: null, heard_is_known: false, interrupted: false, notes: {}, ...some });

test("an answer that nobody interrupted was heard whole", () => {
	assert.deepEqual(readReply(turn({})), { heard: "One. Two. Three.", unheard: "", mark: "" });
});

test("an estimate is a mark in what was delivered, and is told as one", () => {
	const { heard, unheard, mark } = readReply(turn({ heard: "One.", interrupted: true }));
	assert.deepEqual([heard, unheard], ["One.", "Two. Three."]);
	assert.match(mark, /estimated/);
});

test("a known cut is no estimate; nothing heard strikes all", () => {
	const known = readReply(turn({ heard: "One.", heard_is_known: true, interrupted: true }));
	assert.doesNotMatch(known.mark, /estimated/);
	assert.deepEqual(readReply(turn({ heard: "", interrupted: true })).unheard, "One. Two. Three.");
});

test("heard text that is no start of the answer strikes nothing", () => {
	assert.deepEqual(readReply(turn({ heard: "Other", heard_is_known: true })).unheard, "");
});

test("an answer of which more was to come says so", () => {
	assert.notEqual(readReply(turn({ cut: true })).mark, "");
});

test("an ending is told where it is not the usual one", () => {
	assert.equal(endingOf(turn({ status: "completed", reason: "completed" })), "");
	assert.equal(endingOf(turn({ status: "failed", reason: "agent_error" })), "failed, agent_error");
	assert.equal(endingOf(turn({ ending: "superseded" })), "superseded");
});

test("what was asked is the text, the action, or the kind", () => {
	assert.equal(askedOf(turn({ text: "hello" })), "hello");
	assert.equal(askedOf(turn({ action: { a: 1 } })), '{"a":1}');
	assert.equal(askedOf(turn({ kind: "greeting" })), "(greeting)");
});
