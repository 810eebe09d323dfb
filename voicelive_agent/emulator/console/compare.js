/** Comparison: several agents in one call, with one microphone, one loudspeaker and one scale. */

import { Call } from "./call.js";
import { Source } from "./events.js";

export const MAX_CALLS = 4;

/** A call beside the page's own: it hears what that hears, and has no microphone of its own. */
class SideCall extends Call {
	/** @param {Call} main @param {Wish} wish */
	constructor(main, wish) {
		super();
		this.main = main;
		this.service = main.service;
		this.preferences = main.preferences;
		this.known = main.known;
		this.engine.lead = main.engine;
		this.wished = wish;
	}

	get wish() {
		return this.wished;
	}

	async openMicrophone() {
		this.hasMicrophone = this.main.hasMicrophone;
		this.isMuted = this.main.isMuted;
		this.isPushToTalk = this.main.isPushToTalk;
	}
}

/** Tells `change` when there are other calls, or another one is heard. */
export class Comparison extends Source {
	/** @param {Call} main the page's own call */
	constructor(main) {
		super();
		this.main = main;
		/** Whose answers are heard. @type {Call} */
		this.heard = main;
	}

	get calls() {
		return [this.main, ...this.main.followers];
	}

	get isOn() {
		return this.main.followers.length > 0;
	}

	/** One agent more; in a call it joins at once. @param {Wish} wish */
	add(wish) {
		if (this.calls.length >= MAX_CALLS) return;
		const call = new SideCall(this.main, wish);
		call.engine.setHeard(false);
		call.addEventListener("change", () => this.changed());
		this.main.followers.push(call);
		if (this.main.phase === "open") void call.talk();
		this.changed();
	}

	/** @param {Call} call one beside the page's own */
	remove(call) {
		if (call.isOpen) call.hangUp();
		this.main.followers = this.main.followers.filter((one) => one !== call);
		if (this.heard === call) this.hear(this.main);
		this.changed();
	}

	/** Another agent, in a new call. @param {Call} call @param {Wish} wish */
	choose(call, wish) {
		if (!(call instanceof SideCall)) return;
		const isOpen = call.isOpen;
		if (isOpen) call.hangUp();
		call.wished = wish;
		if (isOpen) void call.talk();
		this.changed();
	}

	/** Hear this one, and none of the others. @param {Call} heard */
	hear(heard) {
		this.heard = heard;
		for (const call of this.calls) call.engine.setHeard(call === heard);
		this.changed();
	}

	/** The page's own call alone. */
	end() {
		for (const call of [...this.main.followers]) this.remove(call);
	}
}
