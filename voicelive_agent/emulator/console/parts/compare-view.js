/** Compare view: a column for each agent, with what it says and what its turns take, on one scale. */

import { MAX_CALLS } from "../compare.js";
import { html, nothing, repeat } from "../vendor/lit.js";
import { scaleMs, spanOf } from "../wire/turns.js";
import { choicesOf, renderChoice } from "./agent-choice.js";
import "./conversation.js";
import "./event-log.js";
import { define, Part } from "./part.js";
import "./waterfall.js";

export class CompareView extends Part {
	static shows = ["comparison", "about", "stage"];

	constructor() {
		super();
		/** @type {Comparison} */
		this.comparison = /** @type {any} */ (undefined);
		this.about = null;
		/** @type {Stage} */
		this.stage = /** @type {any} */ (undefined);
		/** The turn that is looked at in all columns; 0 for none. */
		this.selected = 0;
	}

	sources() {
		return [this.comparison, this.comparison.main];
	}

	render() {
		const { calls } = this.comparison;
		const scale = scaleMs(calls.flatMap(({ rows }) => rows));
		return html`<div class="tools">
				<button ?disabled=${calls.length >= MAX_CALLS} @click=${() => this.comparison.add(nextWish(this.comparison, this.about))}>+ Agent</button>
				<button @click=${() => this.comparison.end()}>Back to one agent</button>
				<span class="quiet">One microphone, and what you write, goes to all of them; one of them is heard.</span>
			</div>
			<div class="columns">${repeat(calls, (call) => call, (call) => this.renderColumn(call, scale))}</div>`;
	}

	/** @param {Call} call @param {number} scale */
	renderColumn(call, scale) {
		const { comparison, about } = this;
		const { state } = call;
		const isMain = call === comparison.main;
		/** @param {Wish} wish */
		const choose = (wish) => (isMain ? call.prefer(wish) : comparison.choose(call, wish));
		return html`<section class="column" aria-label=${call.wish.model ? "model" : call.wish.agent}>
			<header>
				${renderChoice(about, call.wish, isMain && call.isOpen, choose)}
				<span class="pill ${state.tone}" data-state=${state.name}><span class="dot" aria-hidden="true"></span>${state.label}</span>
				<label class="switch"><input type="radio" name="heard" .checked=${comparison.heard === call} @change=${() => comparison.hear(call)}> heard</label>
				${isMain ? nothing : html`<button class="icon" aria-label="Remove this agent" @click=${() => comparison.remove(call)}>×</button>`}
			</header>
			${state.tone === "bad" ? html`<p class="note error">${state.sentence} ${this.renderWay(call)}</p>` : nothing}
			<console-conversation .call=${call}></console-conversation>
			<console-waterfall .call=${call} .scale=${scale} .selected=${this.selected} @turn-selected=${(event) => this.select(event, call)}></console-waterfall>
			${this.selected ? html`<console-event-log .call=${call}></console-event-log>` : nothing}
		</section>`;
	}

	/** The same turn of all of them, with its events; the one that was clicked is heard again. @param {CustomEvent<TurnRow>} event @param {Call} call */
	async select(event, call) {
		event.stopPropagation();
		const { detail: row } = event;
		const isSame = row.turn.number === this.selected;
		this.selected = isSame ? 0 : row.turn.number;
		this.requestUpdate();
		this.stage.player.pause();
		if (isSame) return;
		await this.updateComplete;
		const logs = this.querySelectorAll("console-event-log");
		for (const log of logs) {
			const own = log.call.rows.find(({ turn }) => turn.number === this.selected);
			log.show(own ? spanOf(own, log.call) : { fromMs: 0, toMs: 0 });
		}
		await this.stage.play(spanOf(row, call), call);
	}

	/** @param {Call} call */
	renderWay(call) {
		if (call.state.way === "ask") return html`<button class="link" @click=${() => call.askAgain()}>Retry</button>`;
		const isBeside = call !== this.comparison.main && this.comparison.main.phase === "open" && !call.isOpen;
		return isBeside ? html`<button class="link" @click=${() => call.talk()}>Retry</button>` : nothing;
	}
}

/** Somebody who is not compared yet. @param {Comparison} comparison */
export function nextWish(comparison, about) {
	const choices = choicesOf(about);
	const taken = comparison.calls.map(({ wish }) => wish.model || wish.agent);
	return (choices.find(({ wish }) => !taken.includes(wish.model || wish.agent)) ?? choices[0]).wish;
}

define("console-compare", CompareView);
