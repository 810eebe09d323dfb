import assert from "node:assert/strict";
import { test } from "node:test";
import { EventLog, MAX_ROWS } from "../../../../voicelive_agent/emulator/console/wire/log.js";
import { addressOf } from "../../../../voicelive_agent/emulator/console/wire/socket.js";

const frame = (type, more = {}) => ({ atMs: 1, from: "server", type, raw: `{"type":"${type}"}`, summary: "", audioMs: 0, response: "r1", ...more });

test("sound and its timing, which come in turns, are one row each until something else happens", () => {
	const log = new EventLog();
	for (let at = 0; at < 3; at++) {
		log.add(frame("response.audio_timestamp.delta"));
		log.add(frame("response.audio.delta", { audioMs: 100 }));
	}
	log.add(frame("response.done"));
	log.add(frame("response.audio.delta", { response: "r2" }));
	assert.deepEqual(log.rows.map(({ type, count }) => [type, count]), [
		["response.audio_timestamp.delta", 3], ["response.audio.delta", 3], ["response.done", 1], ["response.audio.delta", 1],
	]);
	assert.equal(log.rows[1].audioMs, 300);
});

test("filter and search find by type and by what stands in the frame", () => {
	const log = new EventLog();
	log.add(frame("error", { raw: '{"type":"error","error":{"message":"Nobody Answers"}}' }));
	log.add(frame("response.created", { from: "client" }));
	assert.equal(log.find("everything", "nobody").length, 1);
	assert.equal(log.find("errors and warnings", "").length, 1);
	assert.equal(log.find("sent", "").length, 1);
});

test("the log is bounded", () => {
	const log = new EventLog();
	for (let at = 0; at < MAX_ROWS + 10; at++) log.add(frame("warning"));
	assert.ok(log.rows.length <= MAX_ROWS);
	assert.equal(log.rows.at(-1).number, MAX_ROWS + 10);
});

test("a key is never in an address", () => {
	const { url, protocols } = addressOf("http://127.0.0.1:8090", { agent: "desk", model: "", conversationId: "c1" }, "sécret/+");
	assert.ok(!url.includes("cret"));
	assert.match(url, /^ws:.*agent-name=desk.*conversation-id=c1/);
	assert.equal(protocols[0], "realtime");
	assert.match(protocols[1], /^api-key\.[A-Za-z0-9_-]+$/);
	assert.equal(Buffer.from(protocols[1].slice(8), "base64url").toString(), "sécret/+");
});
