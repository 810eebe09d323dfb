import assert from "node:assert/strict";
import { test } from "node:test";

const RATE_HZ = 24_000;
const QUANTUM = 128;

/** What the worklet tells of the samples that `at` gives, with how many had come by then. */
async function capture(seconds, at) {
	let Capture;
	globalThis.sampleRate = RATE_HZ;
	globalThis.AudioWorkletProcessor = class {
		port = { postMessage: (message) => told.push({ ...message, from: began, until: passed }) };
	};
	globalThis.registerProcessor = (_name, processor) => {
		Capture = processor;
	};
	let passed = 0;
	let began = 0;
	const told = [];
	await import(`../../../../voicelive_agent/emulator/console/audio/capture.js?${Math.random()}`);
	const node = new Capture({ processorOptions: { rateHz: RATE_HZ } });
	for (; passed < seconds * RATE_HZ; ) {
		const samples = Float32Array.from({ length: QUANTUM }, (_, index) => at((passed + index) / RATE_HZ));
		passed += QUANTUM;
		const before = told.length;
		node.process([[samples]]);
		if (told.length > before) began = passed;
	}
	return told;
}

const lengthOf = ({ pcm }) => (pcm.length / RATE_HZ) * 1000;

test("of silence a message comes for each 60 ms, and no sample is lost", async () => {
	const told = await capture(4, () => 0.001);
	const late = told.filter(({ until }) => until > 2 * RATE_HZ);
	assert.deepEqual([...new Set(late.map(lengthOf))], [60]);
	assert.ok(told.reduce((sum, { pcm }) => sum + pcm.length, 0) > 3.9 * RATE_HZ);
	assert.ok(told.every(({ peak }) => Math.abs(peak - 0.001) < 1e-6));
});

test("what is held is told with the first sound, and for a second after it nothing is held", async () => {
	const told = await capture(6, (s) => (s >= 3 && s < 3.5 ? 0.2 * Math.sin(s * 2000) : 0));
	const first = told.find(({ peak }) => peak > 0.01);
	assert.ok(first.until / RATE_HZ < 3.03, "20 ms and a quantum after it began");
	const after = told.filter(({ until }) => until > first.until && until < 4.4 * RATE_HZ);
	assert.deepEqual([...new Set(after.map(lengthOf))], [20]);
	assert.equal(lengthOf(told.at(-1)), 60);
});

test("a speaker is heard at once in each chunk, at any loudness that a microphone gives", async () => {
	for (const level of [0.012, 0.1, 1.5]) {
		const told = await capture(2, (s) => level * Math.sin(s * 1500));
		assert.deepEqual([...new Set(told.map(lengthOf))], [20]);
		assert.ok(told.every(({ rms, peak }) => Math.abs(rms / Math.min(level, 1.2) - 0.72) < 0.12 && peak <= 1));
	}
});
