import assert from "node:assert/strict";
import { test } from "node:test";
import { answerCall, approveCall } from "../../../../voicelive_agent/emulator/console/wire/calls.js";
import { Session } from "../../../../voicelive_agent/emulator/console/wire/session.js";

const sent = (effects) => effects.filter((effect) => effect.do === "send").map(({ event }) => event);
const types = (effects) => sent(effects).map(({ type, item }) => item?.type ?? type);
const open = (session, id = "resp_1") => session.receive({ type: "response.created", response: { id } }, 0);
const done = (session, { id = "resp_1", output = [], status = "completed" } = {}) => session.receive({ type: "response.done", response: { id, status, output } }, 9);

/** A function call as the service tells it, piece by piece. */
function call(session, id, name, input = '{"city":"Rome"}') {
	session.receive({ type: "response.output_item.added", item: { type: "function_call", id, call_id: `call_${id}`, name, arguments: "" } }, 1);
	session.receive({ type: "response.function_call_arguments.delta", item_id: id, call_id: `call_${id}`, delta: input.slice(0, 4) }, 2);
	session.receive({ type: "response.function_call_arguments.delta", item_id: id, call_id: `call_${id}`, delta: input.slice(4) }, 3);
	return session.receive({ type: "response.function_call_arguments.done", item_id: id, call_id: `call_${id}`, name, arguments: input }, 4);
}

test("a function waits for its result, and the model is asked to speak once it has that", () => {
	const session = new Session();
	open(session);
	const [{ do: what, entry }] = call(session, "f1", "get_weather");
	assert.deepEqual([what, entry.name, entry.input, entry.status], ["called", "get_weather", '{"city":"Rome"}', "waits"]);
	done(session);
	const events = sent(answerCall(session, entry, "sunny"));
	assert.deepEqual(events[0].item, { type: "function_call_output", call_id: "call_f1", output: "sunny" });
	assert.equal(events[1].type, "response.create");
	assert.deepEqual(answerCall(session, entry, "again"), []);
});

test("a result that is there before the response has ended waits for that", () => {
	const session = new Session();
	open(session);
	const [{ entry }] = call(session, "f1", "get_weather");
	assert.deepEqual(types(answerCall(session, entry, "sunny")), ["function_call_output"]);
	assert.deepEqual(types(done(session)), ["response.create"]);
	open(session, "resp_2");
	assert.deepEqual(types(done(session, { id: "resp_2" })), []);
});

test("of several calls, the last result makes the model speak", () => {
	const session = new Session();
	open(session);
	const [one] = call(session, "f1", "a");
	const [other] = call(session, "f2", "b");
	done(session);
	assert.deepEqual(types(answerCall(session, one.entry, "1")), ["function_call_output"]);
	assert.deepEqual(types(answerCall(session, other.entry, "2")), ["function_call_output", "response.create"]);
});

test("a call that is cut in mid-arguments holds nothing up", () => {
	const session = new Session();
	open(session);
	const [{ entry }] = call(session, "f1", "a");
	session.receive({ type: "response.output_item.added", item: { type: "function_call", id: "f2", call_id: "c2", name: "b" } }, 5);
	done(session, { status: "cancelled" });
	assert.equal(session.find("f2").status, "failed");
	assert.deepEqual(types(answerCall(session, entry, "1")), ["function_call_output", "response.create"]);
});

test("a server's tools are listed, or said not to be", () => {
	const session = new Session();
	session.receive({ type: "conversation.item.created", item: { type: "mcp_list_tools", id: "l", server_label: "docs", tools: [] } }, 0);
	session.receive({ type: "mcp_list_tools.in_progress", item_id: "l" }, 1);
	session.receive({ type: "mcp_list_tools.failed", item_id: "l" }, 2);
	assert.deepEqual([session.find("l").type, session.find("l").status, session.find("l").server], ["tools", "failed", "docs"]);
	session.receive({ type: "conversation.item.created", item: { type: "mcp_list_tools", id: "m", server_label: "maps", tools: [] } }, 3);
	session.receive({ type: "response.output_item.done", item: { type: "mcp_list_tools", id: "m", tools: [{ name: "find" }, { name: "route" }] } }, 4);
	session.receive({ type: "mcp_list_tools.completed", item_id: "m" }, 5);
	assert.deepEqual([session.find("m").output, session.find("m").status], ["find, route", "done"]);
});

test("an MCP tool that ends a response is spoken about", () => {
	const session = new Session();
	open(session);
	session.receive({ type: "response.output_item.added", item: { type: "mcp_call", id: "m", server_label: "docs", name: "search", arguments: "" } }, 1);
	session.receive({ type: "response.mcp_call_arguments.done", item_id: "m", arguments: '{"q":1}' }, 2);
	session.receive({ type: "response.mcp_call.in_progress", item_id: "m" }, 3);
	assert.equal(session.find("m").status, "runs");
	assert.deepEqual(types(session.receive({ type: "response.mcp_call.completed", item_id: "m" }, 4)), []);
	const item = { type: "mcp_call", id: "m", server_label: "docs", name: "search", arguments: '{"q":1}', output: "found" };
	session.receive({ type: "response.output_item.done", item }, 5);
	assert.deepEqual(types(done(session, { output: [item] })), ["response.create"]);
	assert.deepEqual([session.find("m").output, session.find("m").input], ["found", '{"q":1}']);
});

test("a request for approval is answered once; what is denied is spoken about at once", () => {
	const ask = (session) => {
		session.receive({ type: "conversation.item.created", item: { type: "mcp_approval_request", id: "r", server_label: "docs", name: "delete", arguments: "{}" } }, 0);
		return session.find("r");
	};
	const session = new Session();
	const approved = sent(approveCall(session, ask(session), true));
	assert.deepEqual(approved.map(({ item }) => item), [{ type: "mcp_approval_response", approval_request_id: "r", approve: true }]);
	assert.deepEqual(approveCall(session, session.find("r"), false), []);
	// It runs outside of a response then.
	session.receive({ type: "conversation.item.created", item: { type: "mcp_call", id: "m", name: "delete", server_label: "docs" } }, 1);
	assert.deepEqual(types(session.receive({ type: "response.mcp_call.failed", item_id: "m" }, 2)), ["response.create"]);

	const other = new Session();
	assert.deepEqual(types(approveCall(other, ask(other), false)), ["mcp_approval_response", "response.create"]);
});

test("a result that another client gave is shown with its call", () => {
	const session = new Session();
	open(session);
	call(session, "f1", "get_weather");
	session.receive({ type: "conversation.item.created", item: { type: "function_call_output", id: "o", call_id: "call_f1", output: "rain" } }, 5);
	assert.deepEqual([session.find("f1").output, session.find("f1").status], ["rain", "done"]);
});
