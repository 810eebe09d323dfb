import assert from "node:assert/strict";
import { test } from "node:test";
import { check, groupFields, isPlainText, least, waysOf, wayOf } from "../../../../voicelive_agent/emulator/console/wire/form.js";

const share = { path: "threshold", type: "number", minimum: 0, maximum: 1, nullable: false, required: false, default: 0.5 };
const ms = { path: "silence_duration_ms", type: "whole", minimum: 0, maximum: 600000, nullable: false, required: false, default: 500 };
const named = { path: "name", type: "text", minimum: 1, maximum: 5, nullable: false, required: true };
const detection = { path: "turn_detection", type: "variants", nullable: true, variants: [{ type: "server_vad", fields: [share, ms] }, { type: "semantic", fields: [share] }] };
const voice = { path: "voice", type: "one_of", nullable: false, options: [{ type: "text", minimum: 1 }, { type: "variants", variants: [{ type: "openai", fields: [named] }] }] };
const tokens = { path: "tokens", type: "one_of", nullable: true, options: [{ type: "whole", minimum: 1, maximum: 4096 }, { type: "choice", choices: ["inf"] }] };

test("each kind of value is one choice, and null is off where it may be", () => {
	assert.deepEqual(waysOf(detection).map(({ label }) => label), ["off", "server_vad", "semantic"]);
	assert.deepEqual(waysOf(voice).map(({ label }) => label), ["by name", "openai"]);
	assert.deepEqual(waysOf(tokens).map(({ label }) => label), ["off", "a number", "inf"]);
	assert.deepEqual(waysOf(share), []);
	assert.ok(isPlainText({ path: "pitch", type: "one_of", options: [{ type: "text" }, { type: "number" }] }));
});

test("a value is found among its kinds again", () => {
	const at = (field, value) => waysOf(field)[wayOf(waysOf(field), value)]?.label;
	assert.equal(at(detection, null), "off");
	assert.equal(at(detection, { type: "semantic" }), "semantic");
	assert.equal(at(voice, "ava"), "by name");
	assert.equal(at(voice, { type: "openai", name: "x" }), "openai");
	assert.equal(at(voice, { type: "azure", name: "x" }), undefined);
	assert.equal(at(tokens, 12), "a number");
	assert.equal(at(tokens, "inf"), "inf");
});

test("what is begun with has all that is required", () => {
	assert.deepEqual(waysOf(voice)[1].value, { type: "openai", name: "" });
	assert.deepEqual(least({ type: "object", fields: [{ path: "type", type: "choice", choices: ["near"], required: true }, share] }), { type: "near" });
});

for (const [what, field, value, path, message] of [
	["a number out of bounds", detection, { type: "server_vad", threshold: 7 }, "s.turn_detection.threshold", /from 0 to 1/],
	["half a millisecond", detection, { type: "server_vad", silence_duration_ms: 0.5 }, "s.turn_detection.silence_duration_ms", /whole/],
	["an unknown kind", detection, { type: "other" }, "s.turn_detection.type", /one of them/],
	["a missing name", voice, { type: "openai" }, "s.voice.name", /required/],
	["an empty name", voice, { type: "openai", name: "" }, "s.voice.name", /empty/],
	["a name that is too long", voice, { type: "openai", name: "abcdef" }, "s.voice.name", /At most 5/],
	["a text for a number", tokens, "many", "s.tokens", /./],
	["no list", { path: "l", type: "list", items: { type: "text" } }, "x", "s.l", /list/],
	["one of a list", { path: "l", type: "list", items: { type: "choice", choices: ["a"] } }, ["a", "b"], "s.l[1]", /one of a/],
	["no object", { path: "o", type: "object", fields: [] }, [], "s.o", /object/],
	["a flag in words", { path: "f", type: "flag" }, "yes", "s.f", /true or false/],
	["not a number", share, Number.NaN, "s.threshold", /number/],
]) {
	test(`${what} is told at its own path`, () => {
		const [problem] = check(field, value, `s.${field.path}`);
		assert.equal(problem.path, path);
		assert.match(problem.message, message);
	});
}

test("what is right is not complained of", () => {
	assert.deepEqual(check(detection, { type: "server_vad", threshold: 1, unknown: 3 }, "s"), []);
	assert.deepEqual(check(detection, null, "s"), []);
	assert.deepEqual(check(voice, "ava", "s"), []);
	assert.deepEqual(check(tokens, "inf", "s"), []);
});

test("every field is in one group, also one that no group knows", () => {
	const fields = ["voice", "turn_detection", "brand_new"].map((path) => ({ path, type: "text" }));
	const groups = groupFields(fields);
	assert.equal(groups.flatMap(([, some]) => some).length, 3);
	assert.deepEqual(groups.at(-1)[1].map(({ path }) => path), ["brand_new"]);
});
