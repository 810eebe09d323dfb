import assert from "node:assert/strict";
import { test } from "node:test";
import { Tape } from "../../../../voicelive_agent/emulator/console/audio/tape.js";
import { readPeaks, writeWav } from "../../../../voicelive_agent/emulator/console/wire/wav.js";

const MS = 24;
const tone = (ms, level) => new Int16Array(ms * MS).fill(level);

async function* pieces(bytes, size) {
	for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

for (const size of [1, 3, 44, 1000, 1 << 20]) {
	test(`peaks of a file that comes in pieces of ${size} bytes`, async () => {
		const wav = new Uint8Array(writeWav(tone(100, 8192), tone(100, -16384)));
		const found = { you: [], agent: [] };
		const ms = await readPeaks(pieces(wav, size), (side, atMs, peak) => found[side].push([atMs, peak]));
		assert.equal(ms, 100);
		assert.deepEqual(found.you, [0, 20, 40, 60, 80].map((at) => [at, 0.25]));
		assert.deepEqual(found.agent.map(([, peak]) => peak), [0.5, 0.5, 0.5, 0.5, 0.5]);
	});
}

test("chunks that follow one another leave no gap, however late their messages are", () => {
	const tape = new Tape();
	for (let at = 1; at <= 50; at++) tape.write("you", 1000 + at * 20 + (at % 7) * 11, tone(20, at));
	const heard = tape.read("you", 1011, 2000);
	const first = heard.indexOf(1);
	for (let at = first; heard[at]; at++) assert.equal(heard[at], 1 + Math.floor((at - first) / (20 * MS)));
});

test("after a pause sound stands at its own place, and what was not heard is silence", () => {
	const tape = new Tape();
	tape.write("agent", 1000, tone(20, 5));
	tape.write("agent", 9000, tone(20, 7));
	assert.equal(tape.read("agent", 980, 1000).every((sample) => sample === 5), true);
	assert.equal(tape.read("agent", 1000, 8980).some(Boolean), false);
	assert.equal(tape.read("agent", 8980, 9000).every((sample) => sample === 7), true);
	assert.equal(tape.read("you", 0, 9000).some(Boolean), false);
});

test("the tape of an hour is no longer than that of five minutes", () => {
	const tape = new Tape();
	for (let at = 1; at <= 3600; at++) tape.write("you", at * 1000, tone(1000, 1));
	assert.equal(tape.blocks.you.size, 30);
	assert.equal(tape.has(0), false);
	assert.equal(tape.has(3_599_000), true);
});
