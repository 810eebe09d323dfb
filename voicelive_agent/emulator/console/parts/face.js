/** Face: a mouth that follows the visemes of what is heard, and eyes that say who speaks. */

import { html } from "../vendor/lit.js";
import { define, Part } from "./part.js";

/**
 * How far the mouth opens (0 to 1), and how wide it is (0 to 1), for each of the 22 viseme ids of
 * Azure Speech ("Get facial position with viseme").
 */
const MOUTHS = [
	[0, 0.7], [0.8, 0.7], [1, 0.8], [0.9, 0.6], [0.6, 0.8], [0.5, 0.5], [0.3, 1], [0.4, 0.3], [0.8, 0.4], [1, 0.6],
	[0.8, 0.5], [0.9, 0.8], [0.5, 0.7], [0.4, 0.5], [0.4, 0.7], [0.2, 0.9], [0.3, 0.4], [0.3, 0.7], [0.15, 0.7],
	[0.3, 0.8], [0.4, 0.7], [0, 0.6],
];
const REST = [0.06, 0.7];

export class Face extends Part {
	static follows = ["change", "moved"];

	mouth() {
		const { session } = this.call;
		const entry = session.playing ? session.agentEntry(session.playing) : null;
		if (!entry || entry.playedMs <= 0 || entry.cutMs !== null) return REST;
		const viseme = entry.visemes.findLast(({ atMs }) => atMs <= entry.playedMs);
		return viseme ? (MOUTHS[viseme.id] ?? REST) : REST;
	}

	render() {
		const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
		const [open, wide] = isStill ? REST : this.mouth();
		const isSpeaking = this.call.session.playing !== null;
		return html`<svg viewBox="0 0 44 44" class=${isSpeaking ? "speaking" : ""} aria-hidden="true" data-mouth=${open}>
			<circle cx="22" cy="22" r="20"/><g><circle cx="15" cy="17" r="2.4"/><circle cx="29" cy="17" r="2.4"/></g>
		</svg><i class="mouth" .style=${`transform: scale(${(1 + wide) / 2}, ${(1 + open * 5) / 6})`}></i>`;
	}
}

define("console-face", Face);
