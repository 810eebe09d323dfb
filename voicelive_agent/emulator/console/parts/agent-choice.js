/** Agent choice: who can answer here, as the emulator names them. */

import { html } from "../vendor/lit.js";

/** @param {any} about of the emulator */
export function choicesOf(about) {
	/** @type {any[]} */
	const agents = about?.agents ?? [];
	const named = agents.map(({ name, url }) => {
		const agent = name === "*" ? "agent" : name;
		return { value: agent, label: `${agent} → ${url.replace(/^https?:\/\//, "")}`, wish: { agent, model: "" } };
	});
	if (!named.length) named.push({ value: "agent", label: "agent", wish: { agent: "agent", model: "" } });
	const model = about?.model?.name ? ` (${about.model.name})` : "";
	return [...named, { value: "model:", label: `model${model}`, wish: { agent: "", model: "local" } }];
}

/** @param {Wish} wish what is chosen @param {boolean} isDisabled @param {(wish: Wish) => void} choose */
export function renderChoice(about, wish, isDisabled, choose) {
	const choices = choicesOf(about);
	const isKnown = choices.some(({ value }) => value === wish.agent);
	const chosen = wish.model ? "model:" : isKnown ? wish.agent : choices[0].value;
	const change = ({ target }) => choose(choices.find(({ value }) => value === target.value)?.wish ?? wish);
	return html`<select aria-label="Who answers" ?disabled=${isDisabled} @change=${change}>
		${choices.map(({ value, label }) => html`<option value=${value} ?selected=${value === chosen}>${label}</option>`)}
	</select>`;
}
