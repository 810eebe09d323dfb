import assert from "node:assert/strict";
import { test } from "node:test";
import { News } from "../../../../voicelive_agent/emulator/console/wire/news.js";

const at = (s, ms = 0) => new Date(Date.UTC(2026, 0, 1, 0, 0, s, ms)).toISOString();
const log = (message, { level = "ERROR", s = 10, ms = 0, file = null, line = null } = {}) => ({ at: at(s, ms), level, message, file, line });
const agent = (what, { message = "", s = 20, file = null, line = null } = {}) => ({ at: at(s), what, message, changed: [], file, line });
const since = Date.parse(at(5));

test("the lines of one message are one entry, with the place that they name last", () => {
	const news = new News(since);
	const entry = news.receiveLog(log("the turn failed"));
	assert.equal(news.receiveLog(log("  KeyError: 'x'", { ms: 5 })), null);
	assert.equal(news.receiveLog(log("  app/agent.py:12", { ms: 6, file: "app/agent.py", line: 12 })), null);
	assert.deepEqual([entry.title, entry.text, entry.place], ["the turn failed", "  KeyError: 'x'\n  app/agent.py:12", "app/agent.py:12"]);
	assert.notEqual(news.receiveLog(log("another", { s: 12 })), null);
});

test("quiet lines are told only as the reason of a failure", () => {
	const news = new News(since);
	news.receiveAgent(agent("starting"));
	assert.equal(news.receiveLog(log("can't be imported", { level: "INFO" })), null);
	const failed = news.receiveAgent(agent("failed", { message: "it did not start", file: "a.py", line: 3 }));
	assert.equal(failed.text, "can't be imported\nit did not start");
	assert.equal(failed.place, "a.py:3");
	news.receiveAgent(agent("starting"));
	assert.equal(news.receiveAgent(agent("failed", { message: "again" })).text, "again");
});

test("it is broken from a failure until there is an agent again, also while that starts", () => {
	const news = new News(since);
	assert.equal(news.isBroken, false);
	news.receiveAgent(agent("ended"));
	news.receiveAgent(agent("starting"));
	assert.equal(news.isBroken, true);
	news.receiveAgent(agent("ready"));
	assert.equal(news.isBroken, false);
});

test("what was before the page was opened is known, and not told", () => {
	const news = new News(since);
	assert.equal(news.receiveLog(log("old", { s: 1 })), null);
	assert.equal(news.receiveAgent(agent("failed", { s: 2 })), null);
	assert.equal(news.isBroken, true);
});

test("a failure's reason is bounded", () => {
	const news = new News(since);
	for (let number = 0; number < 500; number++) news.receiveLog(log(`line ${number}`, { level: "INFO" }));
	assert.equal(news.receiveAgent(agent("failed")).text.split("\n").length, 24);
});
