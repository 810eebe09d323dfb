/** Functions: what a model may call, the results that are always the same, and the calls so far. */

import { html, nothing } from "../vendor/lit.js";
import { renderCallCard } from "./call-card.js";
import { define, fieldsOf, Part } from "./part.js";

const EXAMPLE = {
	type: "function",
	name: "get_weather",
	description: "The weather in a city",
	parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};

/** As `GET /settings` describes it, as far as this part needs it. */
const FIELD = { path: "tools", type: "list", applies: "now", nullable: true, items: { path: "", type: "object", fields: [] } };

export class Functions extends Part {
	constructor() {
		super();
		this.problem = "";
	}

	get tools() {
		const { phase, session, wishes } = this.call;
		return (phase === "open" ? session.settings.tools : /** @type {any} */ (wishes).tools) ?? [];
	}

	render() {
		const { call, tools } = this;
		const calls = call.session.entries.filter((entry) => entry.kind === "call").reverse();
		return html`<div class="functions">
			<h2>Tools of the session</h2>
			${tools.length ? tools.map((tool) => this.renderTool(tool)) : html`<p class="quiet">None: the model only talks. Give it some below.</p>`}
			<details ?open=${!tools.length}><summary>Change them</summary>
				<form class="answer" @submit=${this.apply}>
					<textarea name="tools" class="json" rows="8" spellcheck="false" aria-label="Tools as JSON" aria-invalid=${this.problem !== ""}
						.value=${JSON.stringify(tools.length ? tools : [EXAMPLE], null, 2)}></textarea>
					${this.problem ? html`<p class="note error" role="alert">${this.problem}</p>` : nothing}
					<button>Use these tools</button>
				</form>
			</details>
			${this.renderAnswers()}
			<h2>Calls</h2>
			${calls.length ? calls.map((entry) => (entry.kind === "call" ? renderCallCard(entry, call, true) : nothing)) : html`<p class="quiet">The model has called nothing yet.</p>`}
		</div>`;
	}

	renderTool(tool) {
		const name = tool.name ?? tool.server_label ?? tool.type;
		return html`<details class="card"><summary><b>${name}</b> <span class="quiet">${tool.type === "mcp" ? tool.server_url : (tool.description ?? "")}</span></summary>
			<pre>${JSON.stringify(tool.parameters ?? tool, null, 2)}</pre></details>`;
	}

	renderAnswers() {
		const answers = Object.entries(this.call.preferences.answers);
		if (!answers.length) return nothing;
		return html`<h2>Always answered so</h2>
			<ul>${answers.map(([name, output]) => html`<li><code>${name}</code> → <code>${output}</code> <button class="link" @click=${() => this.forget(name)}>ask me again</button></li>`)}</ul>`;
	}

	/** @param {string} name */
	forget(name) {
		const { [name]: _gone, ...answers } = this.call.preferences.answers;
		this.call.prefer({ answers });
	}

	/** @param {SubmitEvent} event */
	apply(event) {
		const { tools } = fieldsOf(event);
		try {
			this.problem = this.call.set(FIELD, JSON.parse(tools)) ? "" : (this.call.updates.status.get("tools")?.message ?? "");
		} catch (error) {
			this.problem = `This is no JSON: ${error.message}`;
		}
		this.requestUpdate();
	}

	updated() {
		const status = this.call.updates.status.get("tools");
		const problem = status?.outcome === "refused" ? status.message : "";
		if (problem && problem !== this.problem) {
			this.problem = problem;
			this.requestUpdate();
		}
	}
}

define("console-functions", Functions);
