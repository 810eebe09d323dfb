/** Conversation: both sides as they are said, what was cut, cards and buttons in their place. */

import { html, nothing, repeat } from "../vendor/lit.js";
import { splitAt } from "../wire/heard.js";
import { TOLERANCE_MS } from "../wire/session.js";
import { renderCallCard } from "./call-card.js";
import { renderCard } from "./card.js";
import { renderNews } from "./news.js";
import { Part, seconds } from "./part.js";

/** Near enough to the end to be taken along. */
const FOLLOW_PX = 60;

export class Conversation extends Part {
  constructor() {
    super();
    this.follows = true;
    this.size = "";
  }

  onScroll() {
    this.follows = this.scrollHeight - this.scrollTop - this.clientHeight < FOLLOW_PX;
  }

  firstUpdated() {
    this.tabIndex = 0;
    this.addEventListener("scroll", () => this.onScroll(), { passive: true });
  }

  updated() {
    const isRecording = this.call.headMs !== null;
    if (isRecording) this.querySelector(".said.now")?.scrollIntoView({ block: "nearest" });
    else if (this.follows && this.grows()) this.scrollTop = this.scrollHeight;
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

  render() {
    const { entries } = this.call.session;
    // Screen readers are read what is final; partials are outside of the log.
    const isFinal = (/** @type {any} */ entry) => entry.kind !== "you" || !entry.isPartial;
    return html`
      <div class="entries" role="log" aria-label="What was said">
        ${entries.length ? nothing : this.renderEmpty()}
        ${repeat(entries.filter(isFinal), ({ key }) => key, (entry) => this.renderEntry(entry))}
      </div>
      <div class="entries partials">
        ${repeat(entries.filter((entry) => !isFinal(entry)), ({ key }) => key, (entry) => this.renderEntry(entry))}
      </div>`;
  }

  renderEmpty() {
    return html`<div class="empty">
      <p>Talk to your agent: click <b>Talk</b>, or press <kbd>T</kbd>.</p>
      <p class="quiet">What you both say, what it shows, and how long each step takes appears here while you speak.</p>
    </div>`;
  }

  /** @param {import("../wire/session.js").Entry} entry */
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

  /** @param {import("../wire/session.js").YouEntry} entry */
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
    const row = response ? this.call.rows?.find(({ turn }) => turn.response_id === response) : null;
    if (!row) return "";
    return ` · turn ${row.turn.number}${row.totalMs === null ? "" : ` · ${seconds(row.totalMs)}`}`;
  }

  /** @param {import("../wire/session.js").AgentEntry} entry */
  renderAgent(entry) {
    const isNow = this.call.session.playing === entry.key && entry.playedMs > 0;
    const how = isNow ? " · speaking now" : entry.isGreeting ? " · greeting" : "";
    return html`<article class=${isNow ? "said agent now" : "said agent"} data-key=${entry.key}>
      <h2>agent${how}</h2>
      <p>${entry.cutMs === null ? this.renderWhole(entry, isNow) : this.renderCut(entry, entry.cutMs)}</p>
    </article>`;
  }

  /** @param {import("../wire/session.js").AgentEntry} entry @param {boolean} isNow */
  renderWhole(entry, isNow) {
    if (!isNow) return entry.text;
    const [before, word, after] = splitAt(entry.text, entry.words, entry.playedMs, entry.audioMs);
    return html`${before}<mark>${word}</mark>${after}`;
  }

  /** @param {import("../wire/session.js").AgentEntry} entry @param {number} cutMs */
  renderCut(entry, cutMs) {
    const [before, word, after] = splitAt(entry.text, entry.words, cutMs, entry.audioMs);
    const differs = entry.serverMs !== null && Math.abs(entry.serverMs - cutMs) > TOLERANCE_MS;
    const title = differs ? "The service took another part to be heard; the page told it what was." : "Cut here";
    return html`${before}${word} <span class="cut" title=${title}>✂ ${seconds(cutMs)}${
      differs ? ` (service: ${seconds(entry.serverMs)})` : ""
    }</span> <del>${after.trim()}</del>`;
  }
}

customElements.define("console-conversation", Conversation);
