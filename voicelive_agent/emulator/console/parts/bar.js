/** Bar: who is called, Talk and Hang up, the state in words, both levels. */

import { tell } from "../events.js";
import { html, nothing } from "../vendor/lit.js";
import "./face.js";
import { renderChoice } from "./agent-choice.js";
import { define, Part } from "./part.js";

export class Bar extends Part {
	static shows = ["about"];

	constructor() {
		super();
		this.about = null;
		this.role = "banner";
	}

	render() {
		const { call } = this;
		const { state } = call;
		const isInCall = call.isOpen;
		return html`
			<h1 class="for-readers">Voice agent console</h1>
			<console-face .call=${call}></console-face>
			${this.renderAgents()}
			${
				isInCall
					? html`<button class="hang-up" aria-keyshortcuts="t" @click=${() => call.hangUp()}>Hang up <kbd aria-hidden="true">T</kbd></button>`
					: html`<button class="talk" aria-keyshortcuts="t" @click=${() => call.talk()}>Talk <kbd aria-hidden="true">T</kbd></button>`
			}
			<button class="in-call" aria-keyshortcuts="m" ?disabled=${!isInCall} aria-pressed=${call.isMuted} @click=${() => call.mute()}>
				${call.isMuted ? "Unmute" : "Mute"} <kbd aria-hidden="true">M</kbd>
			</button>
			<button class="in-call" aria-keyshortcuts="Escape" ?disabled=${!call.session.isAnswering} @click=${() => call.interrupt()}>Interrupt <kbd aria-hidden="true">Esc</kbd></button>
			<button class="in-call hold" aria-keyshortcuts="Space" ?disabled=${!isInCall || !call.hasMicrophone} aria-pressed=${call.isPushToTalk}
				title="Hold Space, or this button, while you speak"
				@pointerdown=${() => call.hold()} @pointerup=${() => call.release()} @pointerleave=${() => call.release()}>Hold</button>
			${call.isPushToTalk ? html`<button @click=${() => call.setPushToTalk(false)}>Hands-free</button>` : nothing}
			<span class="pill ${state.tone}" role="status" data-state=${state.name}><span class="dot" aria-hidden="true"></span>${state.label}</span>
			<console-levels class="wide" .call=${call}></console-levels>
			<span class="spacer"></span>
			<button class="wide" @click=${() => this.tell("compare")}>+ Compare</button>
			<button class="wide" @click=${() => this.tell("settings")}>Settings <kbd aria-hidden="true">,</kbd></button>
			<button class="icon" aria-label="Light or dark (D)" title="Light or dark (D)" @click=${() => this.tell("theme")}>◐</button>
			<button class="icon wide" aria-label="Help (?)" title="Help (?)" @click=${() => this.tell("help")}>?</button>`;
	}

	renderAgents() {
		const { call, about } = this;
		return renderChoice(about, call.wish, call.isOpen, (wish) => {
			call.prefer(wish);
			this.tell("look");
		});
	}

	/** @param {string} what */
	tell(what) {
		tell(this, "console", what);
	}
}

export class Levels extends Part {
	static follows = ["change", "moved"];

	render() {
		return html`${this.renderLevel("you", this.call.inputLevel * 4)}${this.renderLevel("agent", this.call.outputLevel * 1.5)}`;
	}

	/** @param {Side} who @param {number} level */
	renderLevel(who, level) {
		return html`<span class="level ${who}">${who}<i class="track" aria-hidden="true"><i class="fill" .style=${`transform: scaleX(${Math.min(1, level).toFixed(2)})`}></i></i></span>`;
	}
}

define("console-bar", Bar);
define("console-levels", Levels);
