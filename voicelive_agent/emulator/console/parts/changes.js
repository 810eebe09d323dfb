/** Changes: what a replay answered otherwise than the recording, turn by turn. */

import { html, nothing } from "../vendor/lit.js";

const LATENCIES = { transcript: "transcript", response_created: "answer asked for", first_text: "first text", first_audio: "first sound" };

/** @param {Replay} replay */
export function renderChanges({ state, error, result }) {
	if (state === "running") return html`<p class="note" role="status">The replay runs: it takes as long as the recording, at its speed.</p>`;
	if (state === "failed") return html`<p class="note error">The replay failed: ${error}</p>`;
	const changed = result.turns.filter((turn) => !turn.same).length;
	return html`<div class="changes">
		<p class="verdict ${result.same ? "same" : "other"}" role="status">${
			result.same ? "Nothing changed: the same words and the same events." : changed ? `${changed} of ${result.turns.length} turns changed.` : "The turns are the same; other events differ."
		}</p>
		${result.turns.map(renderTurn)} ${renderEvents(result.events)}
	</div>`;
}

function renderTurn({ number, same, recorded, replayed, changes }) {
	if (!recorded || !replayed) {
		const there = recorded ?? replayed;
		return html`<section class="change other" data-turn=${number}>
			<h3>Turn ${number} <span class="cut">${recorded ? "came no more" : "is new"}</span></h3>
			<p>${there.user_text ?? ""}</p><p>${there.agent_text}</p>
		</section>`;
	}
	return html`<section class="change ${same ? "same" : "other"}" data-turn=${number}>
		<h3>Turn ${number} ${same ? html`<span class="quiet">the same</span>` : html`<span class="cut">changed</span>`}</h3>
		${renderText("you", changes.user_text)} ${renderText("agent", changes.agent_text)}
		${changes.events.some((/** @type {Piece} */ { kind }) => kind !== "same") ? renderText("events", changes.events) : nothing}
		${renderLatency(recorded.latency_ms, replayed.latency_ms)}
	</section>`;
}

/** @param {string} who @param {Piece[]} pieces */
function renderText(who, pieces) {
	if (!pieces.length) return nothing;
	return html`<p><b class="quiet">${who}</b> ${pieces.map(({ kind, text }) =>
		kind === "gone" ? html`<del>${text}</del> ` : kind === "new" ? html`<ins>${text}</ins> ` : `${text} `,
	)}</p>`;
}

/** @param {Record<string, number | null>} before @param {Record<string, number | null>} now */
function renderLatency(before, now) {
	const known = Object.entries(LATENCIES).filter(([name]) => typeof before[name] === "number" && typeof now[name] === "number");
	if (!known.length) return nothing;
	return html`<p class="quiet latency">after the end of the turn: ${known.map(([name, title], index) => {
		const [was, is] = [Number(before[name]), Number(now[name])];
		const change = Math.round(is - was);
		return html`${index ? " · " : ""}${title} ${Math.round(was)} → ${Math.round(is)} ms <span class=${change > 50 ? "cut" : ""}>(${change > 0 ? "+" : ""}${change})</span>`;
	})}</p>`;
}

/** @param {{same: boolean, difference: string[]}} events */
function renderEvents({ same, difference }) {
	if (same) return nothing;
	return html`<details><summary>Order of all events</summary><pre>${difference.join("\n")}</pre></details>`;
}
