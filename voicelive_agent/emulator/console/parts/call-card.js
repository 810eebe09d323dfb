/** Call card: a function or an MCP tool that a model calls, with its result, or the form for it. */

import { html, nothing } from "../vendor/lit.js";
import { fieldsOf, pretty } from "./part.js";

const STATUS = {
	arriving: "is being written", waits: "waits for its result", runs: "runs", done: "done", failed: "failed", denied: "denied",
};

/** @param {CallEntry} entry @param {Call} call @param {boolean} [isOpen] */
export function renderCallCard(entry, call, isOpen = false) {
	const { type, status, output } = entry;
	const isTools = type === "tools";
	// Those of others are only shown.
	const isOwn = "answer" in call;
	return html`<div class="card call" data-key=${entry.key} data-status=${status}>
		<details ?open=${isOpen}>
			<summary>${isTools ? "MCP" : "ƒ"} <b>${nameOf(entry)}</b> <span class=${status === "failed" ? "cut" : "quiet"}>${saysOf(entry)}</span></summary>
			${isTools || !entry.input ? nothing : html`<pre>${pretty(entry.input)}</pre>`}
			${output === null ? nothing : html`<p class="quiet">${isTools ? "tools" : "result"}</p><pre>${pretty(output)}</pre>`}
		</details>
		${status === "waits" && isOwn ? (type === "approval" ? renderApproval(entry, call) : renderAnswer(entry, call)) : nothing}
	</div>`;
}

/** @param {CallEntry} entry */
function nameOf({ type, name, server }) {
	if (type === "tools") return server;
	return server ? `${server}: ${name}` : name;
}

/** @param {CallEntry} entry */
function saysOf({ type, status }) {
	if (type === "approval") return { waits: "asks to be approved", done: "approved" }[/** @type {string} */ (status)] ?? STATUS[status];
	if (type === "tools") return { runs: "is asked for its tools", done: "is ready", failed: "does not list its tools" }[/** @type {string} */ (status)] ?? STATUS[status];
	return STATUS[status];
}

/** @param {CallEntry} entry @param {Call} call */
function renderAnswer(entry, call) {
	const submit = (event) => {
		const { output, always } = fieldsOf(event);
		if (always) call.prefer({ answers: { ...call.preferences.answers, [entry.name]: output } });
		call.answer(entry, output);
	};
	return html`<form class="answer" @submit=${submit}>
		<label>Result of ${entry.name} <textarea name="output" rows="2" placeholder='{"temperature": 12}'></textarea></label>
		<label class="switch"><input type="checkbox" name="always"> always answer so</label>
		<button>Send the result</button>
	</form>`;
}

/** @param {CallEntry} entry @param {Call} call */
function renderApproval(entry, call) {
	return html`<div class="choices">
		<button @click=${() => call.approve(entry, true)}>Approve</button>
		<button @click=${() => call.approve(entry, false)}>Deny</button>
	</div>`;
}
