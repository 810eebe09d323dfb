import assert from "node:assert/strict";
import { test } from "node:test";
import { Updates } from "../../../../voicelive_agent/emulator/console/wire/updates.js";

const refusal = (id, param = "session.voice.name") => ({ type: "error", error: { event_id: id, param, message: "Too late." } });
const outcomes = (updates) => Object.fromEntries([...updates.status].map(([name, { outcome }]) => [name, outcome]));

test("updates are answered in order, and each refusal is of its own update", () => {
	const updates = new Updates();
	const first = updates.ask({ turn_detection: null });
	const second = updates.ask({ voice: "x" });
	updates.ask({ metadata: {} });
	assert.equal(updates.receive(refusal(second.event_id)).refused, "voice");
	assert.deepEqual(outcomes(updates), { turn_detection: "asked", voice: "refused", metadata: "asked" });
	assert.equal(updates.status.get("voice").path, "session.voice.name");
	updates.receive({ type: "session.updated" });
	updates.receive({ type: "session.updated" });
	assert.deepEqual(outcomes(updates), { turn_detection: "applied", voice: "refused", metadata: "applied" });
	assert.equal(first.type, "session.update");
});

test("errors of something else, and updates that nobody here asked for, are none of it", () => {
	const updates = new Updates();
	updates.ask({ voice: "x" });
	assert.equal(updates.receive(refusal("another")), null);
	assert.equal(updates.receive({ type: "response.created" }), null);
	updates.begin();
	assert.equal(updates.receive({ type: "session.updated" }), null);
});

test("of an update that is refused as a whole, nothing applies", () => {
	const updates = new Updates();
	const { event_id } = updates.ask({ voice: "x", temperature: 9 });
	assert.equal(updates.receive(refusal(event_id, null)).refused, "");
	assert.deepEqual(outcomes(updates), {});
});

test("a warning stands at its field, and stays when the rest applies", () => {
	const updates = new Updates();
	updates.ask({ avatar: {}, metadata: {} });
	updates.receive({ type: "warning", warning: { param: "session.avatar", message: "no avatars here" } });
	updates.receive({ type: "session.updated" });
	assert.deepEqual(outcomes(updates), { avatar: "warned", metadata: "applied" });
});
