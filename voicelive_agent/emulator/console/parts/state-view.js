/** State view: the agent's history, state and notes as its engine has them, and what the next turn is given. */

import { html, nothing } from "../vendor/lit.js";
import { askedOf, endingOf, readReply } from "../wire/history.js";
import { define, Part } from "./part.js";

/** Turns are stored a moment after their answer has ended. */
const LOAD_DELAY_MS = 300;

export class StateView extends Part {
	constructor() {
		super();
		this.conversation = null;
		this.trouble = "";
		this.loadedFor = "";
		this.timer = 0;
	}

	disconnectedCallback() {
		super.disconnectedCallback();
		clearTimeout(this.timer);
	}

	updated() {
		const { session, rows } = this.call;
		const cuts = session.entries.filter((entry) => entry.kind === "agent" && entry.cutMs !== null).length;
		const version = [session.conversationId, rows.length, session.active, cuts, session.turns, this.call.phase].join(" ");
		if (version === this.loadedFor) return;
		this.loadedFor = version;
		clearTimeout(this.timer);
		this.timer = setTimeout(() => this.load(), LOAD_DELAY_MS);
	}

	async load() {
		const { session, wish, service } = this.call;
		const id = session.conversationId;
		if (!id || wish.model) return;
		try {
			this.conversation = await service.json(`/conversations/${encodeURIComponent(id)}?agent=${encodeURIComponent(wish.agent)}`);
			this.trouble = "";
		} catch (error) {
			this.conversation = null;
			this.trouble = error.message || "The emulator does not answer.";
		}
		this.requestUpdate();
	}

	render() {
		const { conversation } = this;
		if (this.call.preferences.model) return html`<p class="quiet">A model keeps no history of its own: the emulator gives it the session's items.</p>`;
		if (!this.call.session.conversationId) return html`<p class="quiet">No conversation yet: talk first. What the agent's engine keeps of it appears here.</p>`;
		if (this.trouble) return html`<p class="note" role="status">${this.trouble}</p>`;
		if (!conversation) return html`<p class="quiet">Asking the agent …</p>`;
		return html`<p class="quiet">${conversation.conversation_id} · ${conversation.language}
				<button class="link" @click=${() => this.load()}>Refresh</button></p>
			<h2>State of the conversation</h2>
			${renderJson(conversation.state, "Nothing is kept in turn.state.")}
			<h2>History as the engine has it</h2>
			<div class="history">
				${conversation.turns.map((/** @type {PastTurn} */ turn) => renderTurn(turn))}
				${conversation.running ? renderTurn(conversation.running, true) : nothing}
				${conversation.turns.length || conversation.running ? nothing : html`<p class="quiet">No turn is stored yet.</p>`}
			</div>
			<h2>What the next turn will be given</h2>
			${this.renderNext(conversation.next)}`;
	}

	/** @param {{history: PastTurn[], state: any, language: string}} next */
	renderNext(next) {
		return html`<p class="quiet"><code>turn.history</code> has ${next.history.length} ${next.history.length === 1 ? "turn" : "turns"},
				<code>turn.state</code> is ${JSON.stringify(next.state)}, <code>turn.language</code> is ${next.language}.</p>
			<ol class="next">${next.history.map((turn) => html`<li>
				<span class="you">${askedOf(turn)}</span> → ${renderReply(turn)}</li>`)}</ol>
			<details><summary>As JSON</summary><pre tabindex="0">${JSON.stringify(next, null, 2)}</pre></details>`;
	}
}

/** @param {PastTurn} turn @param {boolean} [isRunning] */
function renderTurn(turn, isRunning = false) {
	const ending = isRunning ? "runs now" : endingOf(turn);
	return html`<article class="past" data-sequence=${turn.sequence ?? ""}>
		<h3>${turn.sequence} · ${turn.kind}${ending ? html` · <span class=${isRunning ? "you" : "cut"}>${ending}</span>` : nothing}</h3>
		<p class="you">${askedOf(turn)}</p>
		<p>${renderReply(turn)}</p>
		${Object.keys(turn.notes ?? {}).length ? html`<p class="quiet">turn.notes ${JSON.stringify(turn.notes)}</p>` : nothing}
	</article>`;
}

/** @param {PastTurn} turn */
function renderReply(turn) {
	const { heard, unheard, mark } = readReply(turn);
	return html`${heard || (unheard ? "" : html`<span class="quiet">(no answer)</span>`)}${mark ? html` <span class="cut">✂ ${mark}</span>` : nothing}${
		unheard ? html` <del>${unheard}</del>` : nothing
	}`;
}

/** @param {string} nothingKept */
function renderJson(value, nothingKept) {
	const isEmpty = !value || !Object.keys(value).length;
	return isEmpty ? html`<p class="quiet">${nothingKept}</p>` : html`<pre tabindex="0">${JSON.stringify(value, null, 2)}</pre>`;
}

define("console-state", StateView);
