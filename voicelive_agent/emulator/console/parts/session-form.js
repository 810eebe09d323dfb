/** Session form: every setting that the emulator takes, what applies now and what at the next call. */

import { SESSION } from "../preferences.js";
import { html, nothing } from "../vendor/lit.js";
import { groupFields } from "../wire/form.js";
import { SNIPPETS } from "../wire/snippets.js";
import { copyText } from "./event-log.js";
import { idOf, renderControl } from "./form-field.js";
import { define, Part } from "./part.js";

const WHEN = {
	now: { label: "now", title: "Applies to the call that runs, at once" },
	next_call: { label: "next call", title: "Fixed once there was sound: applies at the next call" },
	never: { label: "not here", title: "Only the service does this: the emulator warns, and goes on without" },
};

const OUTCOMES = { asked: "…", applied: "✓ applied", kept: "✓ kept for the next call", refused: "", warned: "" };

export class SessionForm extends Part {
	static shows = ["about"];

	constructor() {
		super();
		this.about = null;
		/** @type {Field[] | null} */
		this.fields = null;
		this.trouble = "";
		/** What is written but was refused. @type {Record<string, any>} */
		this.refused = {};
		this.copied = "";
	}

	async firstUpdated() {
		try {
			this.fields = (await this.call.service.json("/settings")).fields;
		} catch (error) {
			this.trouble = error.message || "The emulator does not tell its settings: is it running?";
		}
		this.requestUpdate();
	}

	connectedCallback() {
		super.connectedCallback();
		this.keep = (/** @type {any} */ { detail: { name, value } }) => {
			this.refused[name] = value;
		};
		this.call.addEventListener("refused", this.keep);
	}

	disconnectedCallback() {
		super.disconnectedCallback();
		this.call.removeEventListener("refused", this.keep ?? null);
	}

	get mode() {
		return this.call.preferences.model ? "model" : "agent";
	}

	render() {
		if (!this.fields) return html`<p class="quiet">${this.trouble || "Asking the emulator what it takes …"}</p>`;
		return html`
			<p class="quiet">A change applies when you leave its field. <span class="when now">now</span> is for this call and those after it,
				<span class="when next_call">next call</span> for those after it alone.</p>
			${groupFields(this.fields).map(
				([title, fields]) => html`<details class="group" ?open=${title === "Turns"}>
					<summary>${title}</summary>${fields.map((field) => this.renderSetting(field))}
				</details>`,
			)}
			${this.renderCopies()}`;
	}

	/** @param {Field} field */
	renderSetting(field) {
		const name = field.path;
		const path = `session.${name}`;
		/** @type {Record<string, any>} */
		const wishes = this.call.wishes;
		const isOwn = name in this.call.preferences.session || name in this.refused;
		const given = name in this.refused ? this.refused[name] : name in wishes ? wishes[name] : field.default?.[this.mode];
		const isOfAgent = Boolean(field.ignored_in_agent_mode) && this.mode === "agent";
		const status = this.call.updates.status.get(name);
		const when = WHEN[/** @type {keyof typeof WHEN} */ (field.applies)] ?? WHEN.now;
		return html`<div class="setting" data-setting=${name} data-outcome=${status?.outcome ?? nothing}>
			<div class="head">
				<label for=${idOf(path)}>${name}</label>
				<span class="when ${field.applies}" title=${when.title}>${when.label}</span>
				${isOfAgent ? html`<span class="quiet">the agent's own: set it there</span>` : nothing}
				${status ? html`<span class="outcome" role="status" aria-label=${name}>${OUTCOMES[status.outcome]}</span>` : nothing}
				${isOwn ? html`<button class="link" @click=${() => this.takeBack(field)}>default</button>` : nothing}
			</div>
			${renderControl(field, given, path, {
				change: (value) => this.change(field, value),
				error: (at) => this.errorAt(name, at),
				isDisabled: isOfAgent,
				offers: (at) => (/^session\.voice(\.name)?$/.test(at) ? (this.about?.tts?.voices ?? []) : []),
			})}
			${status?.outcome === "warned" ? html`<p class="note warning">${status.message}</p>` : nothing}
		</div>`;
	}

	/** What was refused, at the field that it names, or at the nearest one around it. @param {string} name @param {string} at */
	errorAt(name, at) {
		const status = this.call.updates.status.get(name);
		if (status?.outcome !== "refused") return "";
		const isHere = status.path === at || (at === `session.${name}` && !this.querySelector(`[data-path="${CSS.escape(status.path)}"]`));
		return isHere ? status.message : "";
	}

	/** @param {Field} field */
	change(field, value) {
		const name = field.path;
		if (value === undefined) return this.takeBack(field);
		delete this.refused[name];
		const isTaken = this.call.set(field, value);
		if (!isTaken) this.refused[name] = value;
		this.requestUpdate();
	}

	/** @param {Field} field */
	takeBack(field) {
		delete this.refused[field.path];
		this.call.takeBack(field, /** @type {any} */ (SESSION)[field.path] ?? field.default?.[this.mode]);
		this.requestUpdate();
	}

	renderCopies() {
		const { wishes } = this.call;
		const session = this.call.session.id ? this.call.session.settings : null;
		return html`<div class="tools">
				${Object.entries(SNIPPETS).map(([name, write]) => html`<button @click=${() => this.copy(name, write(wishes))}>Copy as ${name}</button>`)}
				<span class="quiet" role="status">${this.copied}</span>
			</div>
			<details><summary>The session that the console asks for</summary><pre tabindex="0">${SNIPPETS.JSON(wishes)}</pre></details>
			<details><summary>The session as the service has it</summary><pre tabindex="0">${session ? JSON.stringify(session, null, 2) : "No call yet."}</pre></details>`;
	}

	/** @param {string} name @param {string} text */
	async copy(name, text) {
		await copyText(text);
		const what = { Python: "for the SDK", TOML: "as a profile of the voice client", JSON: "as the event" }[name];
		this.copied = `Copied ${what}.`;
		this.requestUpdate();
	}
}

define("console-session-form", SessionForm);
