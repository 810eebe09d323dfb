/** Observed bar: whose call is shown in the place of the page's own, and the controls of its sound. */

import { tell } from "../events.js";
import { html, live, nothing } from "../vendor/lit.js";
import { define, lengthOf, Part } from "./part.js";

export class ObservedBar extends Part {
	static shows = ["player", "hasSound"];

	constructor() {
		super();
		/** @type {Player} */
		this.player = /** @type {any} */ (undefined);
		this.hasSound = false;
	}

	get observed() {
		return /** @type {any} */ (this.call);
	}

	render() {
		const { observed } = this;
		const what = observed.isRecording ? "Recording" : observed.isClosed ? "Ended call of another client" : "● Live call of another client";
		return html`<p><b>${what}</b> · ${observed.summary?.answers ?? ""} <span class="quiet">${observed.id}</span></p>
			${observed.isRecording ? this.renderTransport() : nothing}
			<span class="spacer"></span>
			<button @click=${() => tell(this, "back")}>Back to my call</button>`;
	}

	renderTransport() {
		const { observed, player } = this;
		if (!this.hasSound) return html`<span class="quiet">Its sound is not there.</span>`;
		const headMs = observed.headMs ?? 0;
		return html`<button aria-label=${player.isPlaying ? "Pause" : "Play"} @click=${() => (player.isPlaying ? player.pause() : player.play())}><svg width="12" height="14" aria-hidden="true"><path d=${player.isPlaying ? "M1 1h3.5v12H1zM7.5 1H11v12H7.5z" : "M1 1l10.5 6L1 13z"}/></svg></button>
			<input type="range" aria-label="Place in the recording" min="0" max=${Math.round(player.durationMs)} step="100" .value=${live(String(Math.round(headMs)))}
				aria-valuetext=${lengthOf(headMs)} @input=${(event) => player.seek(Number(event.target.value))}>
			<span class="time">${lengthOf(headMs)} / ${lengthOf(player.durationMs)}</span>
			${this.renderSide("you")}${this.renderSide("agent")}`;
	}

	/** @param {Side} side */
	renderSide(side) {
		const { player } = this;
		return html`<label class="switch"><input type="checkbox" .checked=${live(player.isOn[side])}
			@change=${(event) => player.setSide(side, event.target.checked)}> ${side}</label>`;
	}
}

define("console-observed-bar", ObservedBar);
