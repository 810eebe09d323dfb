/** Conversation: both sides as they are said, what was cut, cards and buttons in their place. */

import { html, nothing, repeat } from "../vendor/lit.js";
import { splitAt } from "../wire/heard.js";
import { TOLERANCE_MS } from "../wire/session.js";
import { renderCallCard } from "./call-card.js";
import { renderCard } from "./card.js";
import { renderNews } from "./news.js";
import { define, inNextFrame, ODD, Part, seconds } from "./part.js";

/** Near enough to the end to be taken along. */
const FOLLOW_PX = 60;
/** Entries come and go in blocks: a call may be long, and the newest blocks are drawn. */
const BLOCK = 50;
const SHOWN_BLOCKS = 2;
/** Width and height of the mark in the style sheet, which is stretched over a word. */
const MARK_PX = 20;

export class Conversation extends Part {
	static turn = ODD;

	constructor() {
		super();
		this.follows = true;
		this.size = "";
		/** The first block that is drawn. */
		this.first = 0;
		/** What was spoken when it was last looked at: the entry, and where its word is. */
		this.spoken = { key: "", from: 0, to: 0 };
		this.speak = inNextFrame(() => this.followWord());
	}

	/** @param {"addEventListener" | "removeEventListener"} how */
	listen(how) {
		super.listen(how);
		this.call[how]("moved", this.speak);
	}

	onScroll() {
		this.follows = this.scrollHeight - this.scrollTop - this.clientHeight < FOLLOW_PX;
	}

	/** The entry that is spoken now, and the place of its word in its text. */
	word() {
		const { session } = this.call;
		const entry = session.playing ? session.agentEntry(session.playing) : null;
		if (!entry || entry.playedMs <= 0) return { key: "", from: 0, to: 0 };
		const [before, word] = splitAt(entry.text, entry.words, entry.playedMs, entry.audioMs);
		return { key: entry.key, from: before.length, to: before.length + word.length };
	}

	followWord() {
		const { key, from } = this.spoken;
		this.spoken = this.word();
		if (this.spoken.key !== key) this.requestUpdate();
		else if (this.spoken.from !== from) this.markWord();
	}

	/** Move the mark to the word: over the text, which is neither laid out nor painted anew for it. */
	markWord() {
		const mark = this.querySelector("mark");
		const text = mark?.previousElementSibling?.lastChild;
		const { from, to } = this.spoken;
		if (!mark?.parentElement || !(text instanceof Text) || to <= from || to > text.length) return;
		const range = new Range();
		range.setStart(text, from);
		range.setEnd(text, to);
		const [word] = range.getClientRects();
		const { x, y } = mark.parentElement.getBoundingClientRect();
		if (word) mark.style.transform = `translate(${word.x - x}px, ${word.y - y}px) scale(${word.width / MARK_PX}, ${word.height / MARK_PX})`;
	}

	firstUpdated() {
		this.tabIndex = 0;
		this.addEventListener("scroll", () => this.onScroll(), { passive: true });
	}

	updated() {
		const isRecording = this.call.headMs !== null;
		if (isRecording) this.querySelector(".said.now")?.scrollIntoView({ block: "nearest" });
		else if (this.follows && this.grows()) this.scrollTop = this.scrollHeight;
		this.markWord();
	}

	/** Whether something was said or shown since it was scrolled last: that has the page laid out. */
	grows() {
		const { entries } = this.call.session;
		const newest = entries.slice(-4).map((/** @type {any} */ { text, cutMs, isPartial }) => `${text?.length} ${cutMs} ${isPartial}`);
		const size = `${entries.length} ${newest.join()}`;
		const isGrown = size !== this.size;
		this.size = size;
		return isGrown;
	}

	/** The numbers of the blocks that are drawn: the newest, those from where someone reads, or those that are played again. */
	blocks() {
		const { session, headMs } = this.call;
		const { length } = session.entries;
		const now = headMs === null ? -1 : session.entries.findIndex(({ key }) => key === session.playing);
		const newest = Math.max(0, Math.floor(length / BLOCK) - SHOWN_BLOCKS);
		if (now >= 0) this.first = Math.min(newest, Math.max(0, Math.floor(now / BLOCK) - 1));
		else if (this.follows || this.first > newest) this.first = newest;
		return Array.from({ length: Math.ceil(length / BLOCK) - this.first }, (_, index) => this.first + index);
	}

	showEarlier() {
		this.follows = false;
		this.first = Math.max(0, this.first - SHOWN_BLOCKS);
		this.requestUpdate();
	}

	render() {
		const { entries } = this.call.session;
		const blocks = this.blocks();
		this.spoken = this.word();
		this.rowOf = new Map(this.call.rows.map((row) => [row.turn.response_id ?? "", row]));
		// Screen readers are read what is final; partials are outside of the log.
		const isFinal = (entry) => entry.kind !== "you" || !entry.isPartial;
		return html`
			${this.first ? html`<button class="link earlier" @click=${this.showEarlier}>${this.first * BLOCK} earlier</button>` : nothing}
			<div class="entries" role="log" aria-label="What was said">
				${entries.length ? nothing : this.renderEmpty()}
				${repeat(blocks, (block) => block, (block) => html`<div class="block">${repeat(
					entries.slice(block * BLOCK, (block + 1) * BLOCK).filter(isFinal), ({ key }) => key, (entry) => this.renderEntry(entry),
				)}</div>`)}
			</div>
			<div class="entries partials">
				${entries.slice(-BLOCK).filter((entry) => !isFinal(entry)).map((entry) => this.renderEntry(entry))}
			</div>`;
	}

	renderEmpty() {
		return html`<div class="empty">
			<p>Talk to your agent: click <b>Talk</b>, or press <kbd>T</kbd>.</p>
			<p class="quiet">What you both say, what it shows, and how long each step takes appears here while you speak.</p>
		</div>`;
	}

	/** @param {Entry} entry */
	renderEntry(entry) {
		switch (entry.kind) {
			case "you":
				return this.renderYou(entry);
			case "agent":
				return this.renderAgent(entry);
			case "card":
				return renderCard(entry, (index) => this.call.click(entry, index));
			case "news":
				return renderNews(entry);
			case "call":
				return renderCallCard(entry, this.call);
			default:
				return html`<p class="note ${entry.level}" data-key=${entry.key}>
					<span aria-hidden="true">${entry.level === "error" ? "✕" : "!"}</span> ${entry.text}
					${entry.code ? html`<code>${entry.code}</code>` : nothing}
				</p>`;
		}
	}

	/** @param {YouEntry} entry */
	renderYou(entry) {
		const how = entry.isTyped ? " · typed" : entry.bargedIn ? " · barged in" : "";
		return html`<article class="said you" data-key=${entry.key}>
			<h2>you${how}${this.latencyOf(entry.response)}</h2>
			<p class=${entry.isPartial ? "partial" : ""}>${entry.isPartial ? `${entry.text} …`.trim() : entry.text}${
				entry.problem ? html`<span class="quiet">(${entry.problem})</span>` : nothing
			}</p>
		</article>`;
	}

	/** @param {string} response */
	latencyOf(response) {
		const row = response ? this.rowOf?.get(response) : null;
		if (!row) return "";
		return ` · turn ${row.turn.number}${row.totalMs === null ? "" : ` · ${seconds(row.totalMs)}`}`;
	}

	/** @param {AgentEntry} entry */
	renderAgent(entry) {
		const isNow = this.spoken.key === entry.key;
		const how = isNow ? " · speaking now" : entry.isGreeting ? " · greeting" : "";
		return html`<article class=${isNow ? "said agent now" : "said agent"} data-key=${entry.key}>
			<h2>agent${how}</h2>
			<p>${entry.cutMs === null ? entry.text : this.renderCut(entry, entry.cutMs)}</p>
			${isNow ? html`<mark aria-hidden="true"></mark>` : nothing}
		</article>`;
	}

	/** @param {AgentEntry} entry @param {number} cutMs */
	renderCut(entry, cutMs) {
		const [before, word, after] = splitAt(entry.text, entry.words, cutMs, entry.audioMs);
		const differs = entry.serverMs !== null && Math.abs(entry.serverMs - cutMs) > TOLERANCE_MS;
		const title = differs ? "The service took another part to be heard; the page told it what was." : "Cut here";
		return html`${before}${word} <span class="cut" title=${title}>✂ ${seconds(cutMs)}${
			differs ? ` (service: ${seconds(entry.serverMs)})` : ""
		}</span> <del>${after.trim()}</del>`;
	}
}

define("console-conversation", Conversation);
