/** Form field: a control for each kind of setting, and for those within it, with what is wrong at its place. */

import { html, live, nothing } from "../vendor/lit.js";
import { isPlainText, wayOf, waysOf } from "../wire/form.js";

const LONG = /instructions|prompt|description|appended_text/;

/** The control of a field and, where it is wrong, why. @type {DrawField} */
export const renderControl = (field, value, path, context) => {
	const error = context.error(path);
	return html`${draw(field, value, path, context)}${error ? html`<p class="note error" id=${`${idOf(path)}-error`} role="alert">${error}</p>` : nothing}`;
};

/** @param {string} path */
export function idOf(path) {
	return path.replace(/[^\w]+/g, "-");
}

/** @type {DrawField} */
const draw = (field, value, path, context) => {
	if (waysOf(field).length) return renderWays(field, value, path, context);
	if (isPlainText(field)) return renderText(field, value, path, context);
	switch (field.type) {
		case "flag":
			return html`<input type="checkbox" id=${idOf(path)} .checked=${live(value === true)} ?disabled=${context.isDisabled}
				@change=${(event) => context.change(event.target.checked)}>`;
		case "choice":
			return renderChoice(field, value, path, context);
		case "whole":
		case "number":
			return renderNumber(field, value, path, context);
		case "list":
			return renderList(field, value, path, context);
		case "object":
			return field.fields?.length ? renderFields(field.fields, value, path, context) : renderJson(value, path, context);
		default:
			return renderText(field, value, path, context);
	}
};

/** What every control has. @param {string} path @param {FieldContext} context */
const invalid = (path, context) => (context.error(path) ? "true" : "false");

/** @type {DrawField} */
const renderWays = (field, value, path, context) => {
	const ways = waysOf(field);
	const at = wayOf(ways, value ?? null);
	const inner = ways[at]?.field;
	const choose = (event) => context.change(structuredClone(ways[Number(event.target.value)].value));
	return html`<select id=${idOf(path)} aria-label=${path} ?disabled=${context.isDisabled} @change=${choose}>
			${at < 0 ? html`<option value="-1" selected>as it is</option>` : nothing}
			${ways.map(({ label }, index) => html`<option value=${index} ?selected=${index === at}>${label}</option>`)}
		</select>
		${inner ? draw(within(inner), value, path, { ...context, error: (at) => (at === path ? "" : context.error(at)) }) : nothing}`;
};

/** The field of a way: its kind is chosen already. @param {Field} field */
function within(field) {
	return { ...field, nullable: false, fields: field.fields?.filter(({ path, choices }) => path !== "type" || choices?.length !== 1) };
}

/** @param {Field[]} fields @param {string} path @param {FieldContext} context */
function renderFields(fields, value, path, context) {
	/** @param {Field} field */
	const changed = (field) => (given) => {
		// Null is what a member is that nobody set.
		const set = Object.entries(value ?? {}).filter(([name, one]) => name !== field.path && one !== null);
		context.change(Object.fromEntries(given === undefined ? set : [...set, [field.path, given]]));
	};
	return html`<div class="fields">
		${[...fields].sort((one, other) => Number(other.required) - Number(one.required)).map((field) => {
			const at = `${path}.${field.path}`;
			const control = renderControl(field, value?.[field.path] ?? field.default, at, { ...context, change: changed(field) });
			const isFlag = field.type === "flag";
			return html`<div class="field ${isFlag ? "switch" : ""} ${waysOf(field).length ? "whole" : ""}" data-path=${at}>
				${isFlag ? control : nothing}<label for=${idOf(at)}>${field.path}${field.required ? " *" : ""}</label>${isFlag ? nothing : control}
			</div>`;
		})}
	</div>`;
}

/** @type {DrawField} */
const renderText = (field, value, path, context) => {
	const change = ({ target }) => {
		const isTakenBack = target.value === "" && !field.required;
		context.change(isTakenBack ? undefined : target.value);
		if (isTakenBack) target.value = field.default ?? "";
	};
	// Not `live`: what is being typed must stand when the page is drawn anew.
	const text = String(value ?? "");
	if (LONG.test(path)) {
		return html`<textarea id=${idOf(path)} rows="3" ?disabled=${context.isDisabled} aria-invalid=${invalid(path, context)} .value=${text} @change=${change}></textarea>`;
	}
	const offers = context.offers(path);
	const list = `${idOf(path)}-offers`;
	return html`<input type="text" id=${idOf(path)} autocomplete="off" list=${offers.length ? list : nothing} ?disabled=${context.isDisabled}
			aria-invalid=${invalid(path, context)} .value=${text} @change=${change}>
		${offers.length ? html`<datalist id=${list}>${offers.map((offer) => html`<option value=${offer}></option>`)}</datalist>` : nothing}`;
};

/** @type {DrawField} */
const renderNumber = (field, value, path, context) => {
	const change = ({ target }) => {
		const isTakenBack = target.value === "";
		context.change(isTakenBack ? undefined : Number(target.value));
		if (isTakenBack) target.value = field.default ?? "";
	};
	return html`<input type="number" id=${idOf(path)} min=${field.minimum ?? nothing} max=${field.maximum ?? nothing} step=${field.type === "whole" ? "1" : "any"}
		?disabled=${context.isDisabled} aria-invalid=${invalid(path, context)} .value=${String(value ?? "")} @change=${change}>`;
};

/** @type {DrawField} */
const renderChoice = (field, value, path, context) => {
	const choices = field.choices ?? [];
	const change = ({ target }) => context.change(target.value === "" ? undefined : choices[Number(target.value)]);
	return html`<select id=${idOf(path)} ?disabled=${context.isDisabled} aria-invalid=${invalid(path, context)} @change=${change}>
		${field.required ? nothing : html`<option value="" ?selected=${value === null || value === undefined}>–</option>`}
		${choices.map((choice, index) => html`<option value=${index} ?selected=${choice === value}>${choice}</option>`)}
	</select>`;
};

/** Some of the choices, or lines of text; other lists are JSON. @type {DrawField} */
const renderList = (field, value, path, context) => {
	const { items } = field;
	if (items?.type === "choice") return renderChecks(items.choices ?? [], value ?? [], path, context);
	if (items?.type !== "text") return renderJson(value, path, context);
	const change = ({ target }) => {
		const lines = target.value.split("\n").map((/** @type {string} */ line) => line.trim()).filter(Boolean);
		context.change(lines.length ? lines : undefined);
	};
	return html`<textarea id=${idOf(path)} rows="2" placeholder="one a line" ?disabled=${context.isDisabled} aria-invalid=${invalid(path, context)}
		.value=${(value ?? []).join("\n")} @change=${change}></textarea>`;
};

/** @param {string} path @param {FieldContext} context */
function renderChecks(choices, value, path, context) {
	/** @param {boolean} isOn */
	const change = (choice, isOn) => context.change(choices.filter((one) => (one === choice ? isOn : value.includes(one))));
	return html`<div class="checks" id=${idOf(path)} role="group" aria-label=${path}>
		${choices.map((choice) => html`<label class="switch"><input type="checkbox" .checked=${live(value.includes(choice))} ?disabled=${context.isDisabled}
			@change=${(event) => change(choice, event.target.checked)}> ${choice}</label>`)}
	</div>`;
}

/** @param {string} path @param {FieldContext} context */
function renderJson(value, path, context) {
	const change = ({ target }) => {
		if (!target.value.trim()) return context.change(undefined);
		try {
			target.setCustomValidity("");
			return context.change(JSON.parse(target.value));
		} catch (error) {
			// It stays as it was written: a form that eats half of an object helps nobody.
			target.setCustomValidity(String(error.message));
			return target.reportValidity();
		}
	};
	const isEmpty = value === null || value === undefined || (Array.isArray(value) && !value.length);
	return html`<textarea id=${idOf(path)} class="json" rows=${isEmpty ? 1 : 5} spellcheck="false" placeholder="JSON" ?disabled=${context.isDisabled}
		aria-invalid=${invalid(path, context)} .value=${isEmpty ? "" : JSON.stringify(value, null, 2)} @change=${change}></textarea>`;
}
