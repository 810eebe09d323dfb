/** Part: a piece of the page that is drawn again when its call changes. */

import { nothing, render } from "../vendor/lit.js";

/** What moves is drawn this often, in one frame: each costs, however little of it is new. */
const FRAME_MS = 200;
/** Frames that a part takes. Large ones take turns: the browser draws again all that lies between two of one frame. */
export const EVERY = null;
export const EVEN = 0;
export const ODD = 1;

let frames = 0;
let drawnAt = 0;
/** @type {Promise<void> | null} */
let pending = null;

/** The next frame; none comes in a hidden tab. Where nothing is new then, the browser is asked for nothing. */
function nextFrame() {
	pending ??= (async () => {
		const waitMs = Math.max(0, drawnAt + FRAME_MS - performance.now());
		await new Promise((resolve) => setTimeout(resolve, waitMs));
		if (document.hidden) await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
		drawnAt = performance.now();
		frames += 1;
		pending = null;
	})();
	return pending;
}

/**
 * `draw`, once in the next frame however often it is asked for: events come by the hundred.
 * @param {() => void} draw @param {number | null} [turn] EVERY, EVEN or ODD
 */
export function inNextFrame(draw, turn = EVERY) {
	let isAsked = false;
	return async () => {
		if (isAsked) return;
		isAsked = true;
		do await nextFrame();
		while (turn !== EVERY && frames % 2 !== turn);
		isAsked = false;
		draw();
	};
}

/** Drawn in the page's own tree (one style sheet, and labels that find their fields), again where its call changes. */
export class Part extends HTMLElement {
	/** Properties after which it is drawn again, besides `call`. @type {string[]} */
	static shows = [];

	/** Events of its sources after which it is: `moved` where it shows how the sound goes on. */
	static follows = ["change"];

	/** @type {number | null} */
	static turn = EVERY;

	constructor() {
		super();
		/** @type {Record<string, any>} */
		this.given = {};
		this.isAsked = false;
		this.isDrawn = false;
		this.updateComplete = Promise.resolve();
		/** @type {Call} */
		this.call = /** @type {any} */ (undefined);
		const { turn } = /** @type {typeof Part} */ (this.constructor);
		this.draw = inNextFrame(() => this.isStale() && this.requestUpdate(), turn);
	}

	connectedCallback() {
		this.listen("addEventListener");
		this.requestUpdate();
	}

	disconnectedCallback() {
		this.listen("removeEventListener");
	}

	/** @param {"addEventListener" | "removeEventListener"} how */
	listen(how) {
		const { follows } = /** @type {typeof Part} */ (this.constructor);
		for (const source of this.sources()) for (const name of follows) source[how](name, this.draw);
	}

	/** Who tells what is new. @returns {EventTarget[]} */
	sources() {
		return [this.call];
	}

	/** Whether what it shows may have changed with its call. */
	isStale() {
		return true;
	}

	/** Drawn once what runs now has ended, however often it is asked for. */
	requestUpdate() {
		if (this.isAsked || !this.isConnected) return;
		this.isAsked = true;
		this.updateComplete = Promise.resolve().then(() => {
			if (this.isAsked) this.performUpdate();
		});
	}

	performUpdate() {
		this.isAsked = false;
		render(this.render(), this, { host: this });
		if (!this.isDrawn) this.firstUpdated();
		this.isDrawn = true;
		this.updated();
	}

	/** @returns {unknown} */
	render() {
		return nothing;
	}

	firstUpdated() {}

	updated() {}
}

/** @param {string} name of the element @param {typeof Part} part */
export function define(name, part) {
	for (const key of ["call", ...part.shows]) {
		Object.defineProperty(part.prototype, key, {
			get() {
				return this.given[key];
			},
			set(value) {
				if (this.given[key] !== value) this.requestUpdate();
				this.given[key] = value;
			},
		});
	}
	customElements.define(name, part);
}

/** The fields of a form that is submitted. @param {SubmitEvent} event @returns {Record<string, any>} */
export function fieldsOf(event) {
	event.preventDefault();
	return Object.fromEntries(new FormData(/** @type {HTMLFormElement} */ (event.target)));
}

/** JSON as it is read best; other text as it is. @param {string} text @param {(key: string, value: any) => any} [replace] */
export function pretty(text, replace) {
	try {
		return JSON.stringify(JSON.parse(text, replace), null, 2);
	} catch {
		return text;
	}
}

/** @param {number | null | undefined} ms */
export function seconds(ms) {
	return ms === null || ms === undefined ? "" : `${(ms / 1000).toFixed(2)} s`;
}

/** @param {number} ms */
export function lengthOf(ms) {
	const s = Math.round(ms / 1000);
	return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}
