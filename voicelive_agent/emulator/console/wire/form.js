/** Form of a session's settings: the fields that `GET /settings` names, what they hold, what is wrong there. */

/** Fields by what they are about; those that no group names are in the last. @type {[string, string[]][]} */
const GROUPS = [
	["Turns", ["turn_detection", "interim_response"]],
	["Hearing", ["input_audio_transcription", "input_audio_noise_reduction", "input_audio_echo_cancellation", "input_audio_format", "input_audio_sampling_rate"]],
	["Voice", ["voice", "output_audio_format", "modalities", "output_audio_timestamp_types", "animation"]],
	["Model", ["instructions", "temperature", "max_response_output_tokens", "reasoning_effort", "tools", "tool_choice", "parallel_tool_calls"]],
];

/** @param {Field[]} fields */
export function groupFields(fields) {
	const named = new Set(GROUPS.flatMap(([, names]) => names));
	const byPath = new Map(fields.map((field) => [field.path, field]));
	/** @type {[string, Field[]][]} */
	const groups = GROUPS.map(([title, names]) => [title, names.flatMap((name) => byPath.get(name) ?? [])]);
	return [...groups, /** @type {[string, Field[]]} */ (["Other", fields.filter(({ path }) => !named.has(path))])];
}

/** The kinds of value to choose among; none where there is but one. @param {Field} field */
export function waysOf(field) {
	const isMany = field.type === "variants" || field.type === "one_of" || (field.type === "object" && field.nullable && field.fields?.length);
	if (!isMany || isPlainText(field)) return [];
	const off = field.nullable ? [{ label: "off", field: null, value: null }] : [];
	return [...off, ...expand(field)];
}

/** Text that may be a number, too, is written as text. @param {Field} field */
export function isPlainText(field) {
	return field.type === "one_of" && (field.options ?? []).every(({ type }) => type === "text" || type === "number");
}

/** @param {Field} field */
function expand(field) {
	switch (field.type) {
		case "one_of":
			return (field.options ?? []).flatMap(expand);
		case "variants":
			return (field.variants ?? []).map(({ type, fields = [] }) => {
				const object = { path: field.path, type: "object", fields };
				return { label: type, field: object, value: { type, ...least(object) } };
			});
		case "choice":
			return (field.choices ?? []).map((value) => ({ label: String(value), field: null, value }));
		case "object": {
			const kind = field.fields?.find(({ path }) => path === "type");
			return [{ label: kind?.choices?.length === 1 ? String(kind.choices[0]) : "on", field, value: least(field) }];
		}
		default:
			return [{ label: { text: "by name", whole: "a number", number: "a number" }[field.type] ?? field.type, field, value: least(field) }];
	}
}

/** Which of the ways a value is of; -1 for one that is of none. @param {Way[]} ways */
export function wayOf(ways, value) {
	return ways.findIndex(({ field, value: given }) => {
		if (!field) return value === given;
		if (field.type !== "object") return typeof value === typeof given;
		return value !== null && typeof value === "object" && (given.type === undefined || value.type === given.type);
	});
}

/** The least that a field takes: what a person begins with. @param {Field} field */
export function least(field) {
	switch (field.type) {
		case "object":
			return Object.fromEntries((field.fields ?? []).filter(({ required }) => required).map((one) => [one.path, least(one)]));
		case "choice":
			return field.choices?.[0];
		case "whole":
		case "number":
			return field.maximum ?? field.minimum ?? 0;
		case "flag":
			return false;
		case "list":
			return [];
		default:
			return "";
	}
}

/** What is wrong with a value, by its path as the service spells it. @param {Field} field @param {string} path */
export function check(field, value, path) {
	if (value === null || value === undefined) return field.nullable || !field.required ? [] : [{ path, message: "It is required." }];
	if (field.type === "one_of") return checkOptions(field, value, path);
	if (field.type === "variants") {
		const variant = field.variants?.find(({ type }) => type === value.type);
		return variant ? checkFields(variant.fields ?? [], value, path) : [{ path: `${path}.type`, message: "Choose one of them." }];
	}
	if (field.type === "object") return isObject(value) ? checkFields(field.fields ?? [], value, path) : [{ path, message: "It must be an object: { … }." }];
	if (field.type === "list") return checkItems(field, value, path);
	const message = checkValue(field, value);
	return message ? [{ path, message }] : [];
}

/** @param {Field} field @param {string} path */
function checkOptions(field, value, path) {
	const found = (field.options ?? []).map((option) => check({ ...option, required: true }, value, path));
	if (found.some((problems) => !problems.length)) return [];
	// Of the kind that comes nearest: what is wrong deepest in it.
	return found.sort((one, other) => (other[0]?.path.length ?? 0) - (one[0]?.path.length ?? 0))[0] ?? [];
}

/** @param {Field} field @param {string} path */
function checkItems(field, value, path) {
	if (!Array.isArray(value)) return [{ path, message: "It must be a list: [ … ]." }];
	return value.flatMap((one, index) => check({ ...(field.items ?? { path: "", type: "object" }), required: true }, one, `${path}[${index}]`));
}

/** @param {Field[]} fields @param {string} path */
function checkFields(fields, value, path) {
	return fields.flatMap((field) => check(field, value[field.path], `${path}.${field.path}`));
}

/** @param {Field} field */
function checkValue({ type, minimum, maximum, choices }, value) {
	switch (type) {
		case "choice":
			return choices?.includes(value) ? "" : `It must be one of ${choices?.join(", ")}.`;
		case "flag":
			return typeof value === "boolean" ? "" : "It must be true or false.";
		case "text":
			if (typeof value !== "string") return "It must be a text.";
			return value.length < (minimum ?? 0) ? "It must not be empty." : value.length > (maximum ?? Infinity) ? `At most ${maximum} characters.` : "";
		default:
			if (typeof value !== "number" || !Number.isFinite(value)) return "It must be a number.";
			if (type === "whole" && !Number.isInteger(value)) return "It must be a whole number.";
			return value < (minimum ?? -Infinity) || value > (maximum ?? Infinity) ? `It must be ${bounds(minimum, maximum)}.` : "";
	}
}

/** @param {number | undefined} minimum @param {number | undefined} maximum */
function bounds(minimum, maximum) {
	if (minimum === undefined) return `at most ${maximum}`;
	return maximum === undefined ? `at least ${minimum}` : `from ${minimum} to ${maximum}`;
}

function isObject(value) {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}
