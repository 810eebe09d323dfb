/** Cards: what an agent shows. Its texts are texts, never HTML. */

import { html, nothing } from "../vendor/lit.js";

/** @param {CardEntry} entry @param {(index: number) => void} click */
export function renderCard(entry, click) {
	const { card } = entry;
	const draw = DRAWN[card?.type];
	const body = draw ? draw(card) : renderUnknown(card);
	return html`<div class=${card?.type === "ui.buttons" ? "buttons-only" : "card"} data-key=${entry.key}>
		${body}${renderButtons(entry, click)}
	</div>`;
}

/** @param {CardEntry} entry @param {(index: number) => void} click */
function renderButtons(entry, click) {
	const buttons = list(entry.card?.buttons);
	if (!buttons.length) return nothing;
	const isDead = entry.isOld || entry.chosen >= 0;
	return html`<div class="choices">
		${buttons.map(
			(button, index) => html`<button
				class=${entry.chosen === index ? "chosen" : ""}
				?disabled=${isDead}
				@click=${() => click(index)}
			>${text(button?.label) || "…"}</button>`,
		)}
	</div>`;
}

/** Each type of card with what it shows. @type {Record<string, (card: any) => unknown>} */
const DRAWN = {
	"ui.buttons": (card) => title(card),
	"ui.card": (card) => html`${title(card)}${image(card)}${lines(card.lines ?? card.text)}${table(card)}`,
	"ui.text": (card) => html`${title(card)}${lines(card.text ?? card.lines)}`,
	"ui.list": (card) => html`${title(card)}<ul>${list(card.items ?? card.lines).map((item) => html`<li>${text(item)}</li>`)}</ul>`,
	"ui.image": (card) => html`${title(card)}${image(card)}`,
	"ui.table": (card) => html`${title(card)}${table(card)}`,
};

function title(card) {
	return card.title ? html`<p class="title">${text(card.title)}</p>` : nothing;
}

/** @param {unknown} value */
function lines(value) {
	return list(value).map((line) => html`<p>${text(line)}</p>`);
}

/** Only what came with the card: no request leaves the machine for a picture. */
function image(card) {
	const source = card.image ?? card.src ?? card.url;
	if (typeof source !== "string") return nothing;
	if (!source.startsWith("data:image/")) return html`<p class="quiet">picture: ${source}</p>`;
	return html`<img src=${source} alt=${text(card.alt ?? card.title ?? "")}>`;
}

function table(card) {
	const rows = list(card.rows);
	if (!rows.length) return nothing;
	const columns = list(card.columns ?? card.headers);
	const cells = (row) => (Array.isArray(row) ? row : Object.values(row ?? {}));
	return html`<div class="scroll"><table>
		${columns.length ? html`<thead><tr>${columns.map((name) => html`<th scope="col">${text(name)}</th>`)}</tr></thead>` : nothing}
		<tbody>${rows.map((row) => html`<tr>${cells(row).map((cell) => html`<td>${text(cell)}</td>`)}</tr>`)}</tbody>
	</table></div>`;
}

function renderUnknown(card) {
	const name = text(card?.type) || "event";
	return html`<details><summary>${name}${card?.title ? ` “${text(card.title)}”` : ""}</summary><pre>${JSON.stringify(card, null, 2)}</pre></details>`;
}

/** @param {unknown} value */
function list(value) {
	return Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
}

/** @param {unknown} value */
function text(value) {
	if (value === undefined || value === null) return "";
	if (typeof value !== "object") return String(value);
	const { title: name, label, text: said } = /** @type {any} */ (value);
	return String(name ?? label ?? said ?? JSON.stringify(value));
}
