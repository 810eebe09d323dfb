/** News of the agent's server, drawn: in the conversation where they came, and above it while it is broken. */

import { html, nothing } from "../vendor/lit.js";

const SIGNS = { info: "↻", warning: "!", error: "✕" };

/** @param {NewsEntry} entry */
export function renderNews(entry) {
	return html`<div class="note news ${entry.level}" data-key=${entry.key}>
		<p><span aria-hidden="true">${SIGNS[entry.level]}</span> ${entry.title}${renderPlace(entry.place)}</p>
		${entry.text ? html`<pre tabindex="0">${entry.text}</pre>` : nothing}
	</div>`;
}

/** @param {News} news */
export function renderBroken(news) {
	const { agent } = news;
	if (!agent || !news.isBroken) return nothing;
	return html`<aside class="trouble bad" data-state="agent-broken" aria-label="The agent">
		<p><b>${agent.title}</b>${renderPlace(agent.place)} ${agent.text.split("\n").at(-1)}</p>
	</aside>`;
}

/** @param {string} place */
function renderPlace(place) {
	return place ? html` <code class="place">${place}</code>` : nothing;
}
