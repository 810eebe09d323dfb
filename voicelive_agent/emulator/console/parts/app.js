/** The page: bar, conversation, lanes and tabs, joined to one call; keys and theme. */

import { Call } from "../call.js";
import { Comparison } from "../compare.js";
import { on } from "../events.js";
import { Feed } from "../feed.js";
import { html, nothing, repeat } from "../vendor/lit.js";
import { News } from "../wire/news.js";
import { percentiles, spanOf } from "../wire/turns.js";
import { choicesOf } from "./agent-choice.js";
import "./bar.js";
import { nextWish } from "./compare-view.js";
import "./conversation.js";
import "./event-log.js";
import "./functions.js";
import "./lanes-view.js";
import { KEYS, listen } from "./keys.js";
import { renderBroken } from "./news.js";
import "./observed-bar.js";
import "./sessions-view.js";
import "./settings.js";
import { define, fieldsOf, Part } from "./part.js";
import { Stage } from "./stage.js";
import "./state-view.js";
import "./waterfall.js";

const TABS = {
	turns: "Turns + events", settings: "Session settings", state: "State", functions: "Functions", calls: "Calls", recordings: "Recordings",
};

/** On a narrow screen one part is seen at a time. */
const PANES = { talk: "Talk", turns: "Turns", events: "Events", settings: "Settings", more: "More" };

export class App extends Part {
	constructor() {
		super();
		this.call = new Call();
		this.feed = new Feed(this.call.service);
		this.news = new News(Date.now());
		this.comparison = new Comparison(this.call);
		this.stage = new Stage(this.call, this.feed);
		this.tab = "turns";
		this.pane = "talk";
		this.selected = 0;
		this.isComparing = false;
		this.ticker = 0;
		this.about = null;
	}

	sources() {
		return [this.call, this.stage, this.comparison];
	}

	connectedCallback() {
		super.connectedCallback();
		// For tests and for the developer's tools.
		Object.assign(globalThis, { voiceConsole: this });
		this.call.addEventListener("change", () => this.tick());
		on(this, "console", (what) => this.act(what));
		on(this, "turn-selected", (row) => this.select(row));
		on(this, "back", () => this.choose({ do: "back", id: "" }));
		this.choose = this.choose.bind(this);
		on(this, "seek", (ms) => this.stage.player.seek(ms));
		on(this.feed, "agent", (news) => this.tell("agent", news));
		on(this.feed, "log", (news) => this.tell("log", news));
		listen(this);
		this.paint();
		this.call.known = this.load();
	}

	async load() {
		try {
			this.about = await this.call.service.about();
			void this.stage.start().catch(() => {});
			void this.feed.run();
			void this.call.engine.prepare().catch(() => {});
			this.call.firstAgent = choicesOf(this.about)[0].value;
			this.call.agentAway = this.findAway();
			if (this.call.phase === "idle" && ["key", "away"].includes(this.call.trouble)) this.call.enter("idle");
		} catch (error) {
			const { trouble, message } = /** @type {ServiceError} */ (error);
			if (!this.call.isOpen) this.call.enter("idle", { trouble, detail: message });
		}
		this.requestUpdate();
	}

	/** Why the chosen agent would not answer; empty where it would. */
	findAway() {
		const { agent, model } = this.call.preferences;
		/** @type {any[]} */
		const agents = model ? [] : this.about.agents;
		const chosen = agents.find(({ name }) => name === agent) ?? agents.find(({ name }) => name === "*") ?? agents[0];
		return chosen && !chosen.reachable ? (chosen.detail ?? "The agent does not answer.") : "";
	}

	/** News of the agent's server. @param {"agent" | "log"} kind */
	tell(kind, data) {
		const entry = kind === "agent" ? this.news.receiveAgent(data) : this.news.receiveLog(data);
		this.call.tellNews(kind, data, entry);
		if (kind === "agent") void this.load();
	}

	/** A thought that takes long says for how long. */
	tick() {
		clearTimeout(this.ticker);
		if (this.call.session.waiting || this.call.phase === "open") this.ticker = setTimeout(() => this.call.changed(), 1000);
	}

	/** @param {string} what */
	act(what) {
		if (what === "theme") this.paint(this.isDark ? "light" : "dark");
		else if (what === "help") this.querySelector("dialog")?.showModal();
		else if (what === "settings") this.open("settings");
		else if (what === "look") void this.load();
		else if (what === "compare") this.compare();
		else if (what === "key") this.querySelector(".key input")?.focus();
		this.requestUpdate();
	}

	/** The columns; another agent where they are seen already. */
	compare() {
		if (!this.comparison.isOn || this.isComparing) this.comparison.add(nextWish(this.comparison, this.about));
		this.isComparing = true;
	}

	/** @param {string} tab */
	open(tab) {
		this.isComparing = false;
		this.tab = tab in TABS ? tab : tab === "more" ? "calls" : "turns";
		this.pane = tab in PANES ? tab : "more";
		this.requestUpdate();
	}

	get isDark() {
		const { theme } = document.documentElement.dataset;
		return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
	}

	paint(theme = this.call.preferences.theme) {
		if (theme) document.documentElement.dataset.theme = theme;
		if (theme !== this.call.preferences.theme) this.call.prefer({ theme });
	}

	/** Another session is to be shown. Rejects with a ServiceError. @param {SessionWish} wish */
	async choose({ do: what, id }) {
		this.select(null);
		if (what === "back") this.stage.back();
		else if (what === "watch") this.stage.watch(id);
		else if (what === "replay") await this.stage.watchReplay(id);
		else await this.stage.open(id);
		if (what === "watch" || what === "open") this.open("turns");
		this.requestUpdate();
	}

	/** Its events, its span in the lanes, and its sound. @param {TurnRow | null} row */
	select(row) {
		const isSame = row?.turn.number === this.selected;
		this.selected = !row || isSame ? 0 : row.turn.number;
		const span = row && !isSame ? spanOf(row, this.stage.shown) : null;
		this.querySelector("console-lanes")?.show(span);
		this.querySelector("console-event-log")?.show(span);
		if (span) void this.stage.play(span);
		else this.stage.player.pause();
		this.requestUpdate();
	}

	/** @param {number} step */
	moveTurn(step) {
		const { rows } = this.stage.shown;
		const at = rows.findIndex(({ turn }) => turn.number === this.selected);
		const row = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step];
		if (row) this.select(row);
	}

	render() {
		const { call } = this;
		return html`
			<console-bar .call=${call} .about=${this.about}></console-bar>
			${this.renderTrouble()} ${renderBroken(this.news)} ${this.renderObserved()}
			${this.isComparing && this.comparison.isOn ? this.renderCompared() : this.renderMain()}
			<nav aria-label="Parts"><div class="panes" role="tablist" aria-label="Parts">
				${Object.entries(PANES).map(
					([name, title]) => html`<button role="tab" aria-selected=${this.pane === name} @click=${() => this.open(name)}>${title}</button>`,
				)}
			</div></nav>
			${this.renderFoot()} ${this.renderHelp()}`;
	}

	renderMain() {
		const { call } = this;
		const { shown } = this.stage;
		return html`<main data-pane=${this.pane}>
				<section class="left" aria-label="Conversation">
					${repeat([shown], same, () => html`<console-conversation .call=${shown}></console-conversation>`)}
					${this.renderWriting()}
				</section>
				<section class="right" aria-label="What happened">
					${repeat([shown], same, () => html`<console-lanes .call=${shown}></console-lanes>`)}
					<div class="tabs" role="tablist">
						${Object.entries(TABS).filter(([name]) => name !== "functions" || call.preferences.model).map(
							([name, title]) => html`<button role="tab" id=${`tab-${name}`} aria-controls="panel" aria-selected=${this.tab === name} @click=${() => this.open(name)}>${title}</button>`,
						)}
					</div>
					<button class="narrow" @click=${() => this.act("compare")}>+ Compare</button>
					<div class="panel" id="panel" role="tabpanel" aria-labelledby=${`tab-${this.tab}`}>${this.renderTab()}</div>
				</section>
			</main>`;
	}

	renderCompared() {
		return html`<main class="compared">
			<console-compare .comparison=${this.comparison} .about=${this.about} .stage=${this.stage}></console-compare>
			${this.renderWriting()}
		</main>`;
	}

	renderTab() {
		if (this.tab === "functions" && this.call.preferences.model) return html`<console-functions .call=${this.call}></console-functions>`;
		if (this.tab === "state") return html`<console-state .call=${this.call}></console-state>`;
		if (this.tab === "settings") return html`<console-settings .call=${this.call} .about=${this.about}></console-settings>`;
		const { stage, call, about } = this;
		if (this.tab === "calls" || this.tab === "recordings") {
			return html`<console-sessions .sessions=${stage.sessions} .kind=${this.tab} .own=${call.session.id} .chosen=${stage.observed?.id ?? ""} .about=${about} .choose=${this.choose}></console-sessions>`;
		}
		return repeat([stage.shown], same, (shown) => html`<console-waterfall .call=${shown} .selected=${this.selected}></console-waterfall>
			<console-event-log .call=${shown}></console-event-log>`);
	}

	renderObserved() {
		const { observed, player, wav } = this.stage;
		if (!observed) return nothing;
		return repeat([observed], same, () => html`<console-observed-bar class="observed" role="region" aria-label="What is shown" .call=${observed} .player=${player} .hasSound=${wav !== null}></console-observed-bar>`);
	}

	renderTrouble() {
		const { state } = this.call;
		if (state.name === "idle" || (state.name === "ended" && this.stage.observed)) return nothing;
		if (state.tone !== "bad" && state.name !== "ended" && !/for \d+ s/.test(state.label)) return nothing;
		return html`<aside class="trouble ${state.tone}" data-state=${state.name} aria-label="What to do">
			<p>${state.sentence}</p>
			${this.renderWay(state.way)}
		</aside>`;
	}

	/** @param {string} way */
	renderWay(way) {
		const { call } = this;
		if (way === "key") {
			return html`<form class="key" @submit=${this.giveKey}>
				<label>Key <input name="key" type="password" autocomplete="off" required></label><button>Use it</button>
			</form>`;
		}
		/** @type {Record<string, [string, () => unknown]>} */
		const ways = {
			talk: [call.phase === "ended" ? "Call again" : "Retry", () => this.retry()],
			look: ["Retry", () => this.load()],
			ask: ["Retry", () => call.askAgain()],
			write: ["Write", () => this.write()],
			settings: ["Use the microphone again", () => call.reopenMicrophone()],
			mute: ["Unmute", () => call.mute(false)],
			interrupt: ["Stop waiting", () => call.interrupt()],
			"hang-up": ["Hang up", () => call.hangUp()],
		};
		const [title, go] = ways[way] ?? [];
		if (!title) return nothing;
		return html`<button @click=${go}>${title}</button>${way === "settings" ? html`<button @click=${() => this.open("settings")}>Settings</button>` : nothing}`;
	}

	/** @param {SubmitEvent} event */
	async giveKey(event) {
		this.call.service.setKey(fieldsOf(event).key);
		await this.load();
	}

	async retry() {
		await this.load();
		await this.call.talk();
	}

	write() {
		const focus = () => this.querySelector(".writing input")?.focus();
		// At once where it is seen: the next key is meant for it.
		focus();
		if (!this.isComparing) this.open("talk");
		void this.updateComplete.then(focus);
	}

	renderWriting() {
		return html`<form class="writing" @submit=${this.send}>
			<input name="text" aria-label="Say it in writing" placeholder="Say it in writing  ( / )" autocomplete="off">
			<button>Send</button>
		</form>`;
	}

	/** @param {SubmitEvent} event */
	send(event) {
		const text = fieldsOf(event).text.trim();
		if (!text) return;
		/** @type {HTMLFormElement} */ (event.target).reset();
		void this.call.write(text);
	}

	renderFoot() {
		const { call, about } = this;
		const { p50, p95, count } = percentiles(this.stage.shown.rows);
		const { echoCancellation, noiseSuppression, autoGainControl } = call.preferences.processing;
		const processing = [echoCancellation && "echo cancellation", noiseSuppression && "noise suppression", autoGainControl && "gain"].filter(Boolean);
		return html`<footer>
			<span>${call.phase === "open" ? `● connected · ${call.session.id.slice(0, 14)}` : `○ ${call.phase === "idle" ? "no call" : call.phase}`}</span>
			${count ? html`<span>voice to voice p50 ${Math.round(p50 ?? 0)} ms · p95 ${Math.round(p95 ?? 0)} ms · ${count} ${count === 1 ? "turn" : "turns"}</span>` : nothing}
			${call.hasMicrophone ? html`<span>mic 24 kHz, 20 ms, ${processing.join(", ") || "unprocessed"}</span>` : nothing}
			<span>underruns ${call.underruns}</span>
			${call.cutMs === null ? nothing : html`<span>last cut took ${Math.round(call.cutMs)} ms</span>`}
			${about ? html`<span>hears with ${about.stt.name} · speaks with ${about.tts.name}</span>` : nothing}
		</footer>`;
	}

	renderHelp() {
		return html`<dialog aria-label="Help">
			<h2>Keys</h2>
			<dl>${KEYS.map(({ keys, says }) => html`<dt><kbd>${keys}</kbd></dt><dd>${says}</dd>`)}</dl>
			<form method="dialog"><button autofocus>Close</button></form>
		</dialog>`;
	}
}

/** A part belongs to one session: it is made anew for another. */
function same(one) {
	return one;
}

define("console-app", App);
