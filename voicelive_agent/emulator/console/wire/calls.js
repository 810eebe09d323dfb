/**
 * Calls of a model: functions that the person answers, and tools of MCP servers, which the service runs.
 *
 * A model speaks about a result only when a `response.create` asks it to, once no response is made
 * any more and no call waits for its result.
 */

/** @type {Record<string, CallEntry["type"]>} */
const TYPES = { function_call: "function", mcp_call: "mcp", mcp_list_tools: "tools", mcp_approval_request: "approval" };

/** @param {Session} session @returns {Effect[]} */
export function receiveCall(session, event) {
	return (HANDLERS[event.type] ?? step)(session, event) || [];
}

/** @param {Session} session @param {string} key @returns {CallEntry | null} */
function findCall(session, key) {
	const entry = session.find(key);
	return entry?.kind === "call" ? entry : null;
}

/** @param {Session} session */
function takeItem(session, event) {
	const item = event.item ?? {};
	if (item.type === "function_call_output") noteResult(session, item);
	const type = TYPES[item.type];
	if (!type || !item.id) return;
	let entry = findCall(session, item.id);
	if (!entry) {
		const status = type === "approval" ? "waits" : type === "function" ? "arriving" : "runs";
		entry = { kind: "call", key: item.id, type, name: "", server: "", callId: "", input: "", output: null, status };
		session.entries.push(entry);
	}
	entry.name = item.name ?? entry.name;
	entry.server = item.server_label ?? entry.server;
	entry.callId = item.call_id ?? entry.callId;
	entry.input = item.arguments || entry.input;
	if (type === "tools" && item.tools?.length) entry.output = item.tools.map((tool) => tool.name).join(", ");
	if (type === "mcp") takeResult(entry, item);
}

/** A result that another client gave. @param {Session} session */
function noteResult(session, { call_id, output }) {
	const entry = session.entries.findLast((one) => one.kind === "call" && one.callId === call_id);
	if (entry?.kind === "call" && entry.output === null) Object.assign(entry, { output, status: "done" });
}

/** @param {CallEntry} entry */
function takeResult(entry, { output, error }) {
	if (error) Object.assign(entry, { output: typeof error === "string" ? error : (error.message ?? JSON.stringify(error)), status: "failed" });
	else if (output) Object.assign(entry, { output, status: "done" });
}

/** @param {Session} session */
function addInput(session, { item_id, delta = "" }) {
	const entry = findCall(session, item_id);
	if (entry) entry.input += delta;
}

/** @param {Session} session @returns {Effect[]} */
function endInput(session, { type, item_id, call_id, name, arguments: input }) {
	if (type.startsWith("response.function")) takeItem(session, { item: { type: "function_call", id: item_id ?? call_id, call_id, name } });
	const entry = findCall(session, item_id ?? call_id);
	if (!entry) return [];
	entry.input = input ?? entry.input;
	if (entry.type !== "function") return [];
	entry.status = "waits";
	return [{ do: "called", entry }];
}

/** What an MCP server does, step by step. @param {Session} session @returns {Effect[]} */
function step(session, { type, item_id }) {
	const [, what, now] = /^(?:response\.)?(mcp_call|mcp_list_tools)\.(\w+)$/.exec(type) ?? [];
	const entry = what ? findCall(session, item_id) : null;
	if (!entry) return [];
	entry.status = now === "completed" ? "done" : now === "failed" ? "failed" : "runs";
	// After an approval it ran outside of any response.
	return what === "mcp_call" && now !== "in_progress" && !session.active ? askToSpeak(session) : [];
}

/** @param {Session} session @returns {Effect[]} */
function ended(session, { response }) {
	const { output = [], status } = response ?? {};
	// What was cut short will not be whole any more.
	for (const entry of session.entries) if (entry.kind === "call" && entry.status === "arriving") entry.status = "failed";
	const last = output.at(-1);
	if (status !== "cancelled" && last?.type === "mcp_call" && (last.output || last.error)) session.owesAnswer = true;
	return session.owesAnswer ? askToSpeak(session) : [];
}

/** @param {Session} session @returns {Effect[]} */
function askToSpeak(session) {
	session.owesAnswer = true;
	const isWaiting = session.entries.some((entry) => entry.kind === "call" && entry.type !== "tools" && /arriving|waits|runs/.test(entry.status));
	if (session.active || isWaiting) return [];
	session.owesAnswer = false;
	return [{ do: "send", event: { type: "response.create" } }];
}

/** @type {Record<string, (session: Session, event: any) => Effect[] | void>} */
const HANDLERS = {
	"conversation.item.created": takeItem,
	"response.output_item.added": takeItem,
	"response.output_item.done": takeItem,
	"response.function_call_arguments.delta": addInput,
	"response.mcp_call_arguments.delta": addInput,
	"response.function_call_arguments.done": endInput,
	"response.mcp_call_arguments.done": endInput,
	"response.done": ended,
};

/** The result of a function, or of a request for approval. @param {Session} session @param {CallEntry} entry @param {string} output @returns {Effect[]} */
export function answerCall(session, entry, output) {
	if (entry.status !== "waits" || entry.type !== "function") return [];
	Object.assign(entry, { output, status: "done" });
	const item = { type: "function_call_output", call_id: entry.callId, output };
	return [{ do: "send", event: { type: "conversation.item.create", item } }, ...askToSpeak(session)];
}

/** @param {Session} session @param {CallEntry} entry @param {boolean} approve @returns {Effect[]} */
export function approveCall(session, entry, approve) {
	if (entry.status !== "waits" || entry.type !== "approval") return [];
	entry.status = approve ? "done" : "denied";
	const item = { type: "mcp_approval_response", approval_request_id: entry.key, approve };
	// Where it is approved, the call follows, and its result is spoken of.
	return [{ do: "send", event: { type: "conversation.item.create", item } }, ...(approve ? [] : askToSpeak(session))];
}
