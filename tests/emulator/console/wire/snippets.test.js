import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { SNIPPETS } from "../../../../voicelive_agent/emulator/console/wire/snippets.js";

const settings = {
	voice: { name: 'a "b"\\', temperature: 0.5 },
	turn_detection: null,
	modalities: ["text", "audio"],
	metadata: { "a key": "ö\n" },
	parallel_tool_calls: true,
	tools: [],
};
const python = (code, input) => JSON.parse(execFileSync("python3", ["-c", code], { input }).toString());

test("what is copied as Python is the same session there", () => {
	const code = "import json, re, sys; text = sys.stdin.read(); print(json.dumps(eval(text[text.index('session=') + 8 : -1])))";
	assert.deepEqual(python(code, SNIPPETS.Python(settings)), settings);
});

test("what is copied as TOML is the same session there, but for null", () => {
	const code = "import json, sys, tomllib; print(json.dumps(tomllib.loads(sys.stdin.read())))";
	const { turn_detection, ...rest } = settings;
	assert.equal(turn_detection, null);
	assert.deepEqual(python(code, SNIPPETS.TOML(settings)), { "turn-detection": "none", session: rest });
});

test("what is copied as JSON is the event that is sent", () => {
	assert.deepEqual(JSON.parse(SNIPPETS.JSON(settings)), { type: "session.update", session: settings });
});
