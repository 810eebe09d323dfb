/** Snippets: a session's settings as JSON, as Python for the SDK, as a TOML profile of the voice client. */

/** @type {Record<string, (settings: Record<string, any>) => string>} */
export const SNIPPETS = {
	JSON: (settings) => JSON.stringify({ type: "session.update", session: settings }, null, 2),
	Python: (settings) => `await connection.session.update(session=${python(settings, 0)})`,
	TOML: (settings) => toml(settings),
};

/** @param {number} depth */
function python(value, depth) {
	if (value === null) return "None";
	if (value === true) return "True";
	if (value === false) return "False";
	if (typeof value !== "object") return JSON.stringify(value);
	const inner = "    ".repeat(depth + 1);
	const parts = Array.isArray(value)
		? value.map((one) => python(one, depth + 1))
		: Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${python(one, depth + 1)}`);
	const [open, close] = Array.isArray(value) ? "[]" : "{}";
	if (!parts.length) return open + close;
	return `${open}\n${parts.map((part) => `${inner}${part},\n`).join("")}${"    ".repeat(depth)}${close}`;
}

/**
 * A profile; `[session]` holds what has no option of its own. TOML has no null.
 * @param {Record<string, any>} settings
 */
function toml(settings) {
	const head = settings.turn_detection === null ? ['turn-detection = "none"', ""] : [];
	return [...head, "[session]", ...Object.entries(settings).map(([name, value]) => tomlLine(name, value))].join("\n");
}

/** @param {string} name */
function tomlLine(name, value) {
	return value === null ? `# ${name}: null, which TOML has no word for` : `${tomlKey(name)} = ${tomlValue(value)}`;
}

/** @param {string} name */
function tomlKey(name) {
	return /^[\w-]+$/.test(name) ? name : JSON.stringify(name);
}

function tomlValue(value) {
	if (Array.isArray(value)) return `[${value.filter((one) => one !== null).map(tomlValue).join(", ")}]`;
	if (typeof value !== "object") return JSON.stringify(value);
	const pairs = Object.entries(value).filter(([, one]) => one !== null);
	return pairs.length ? `{ ${pairs.map(([name, one]) => `${tomlKey(name)} = ${tomlValue(one)}`).join(", ")} }` : "{}";
}
