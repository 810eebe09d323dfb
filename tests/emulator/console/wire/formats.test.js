import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode, lengthMs } from "../../../../voicelive_agent/emulator/console/audio/formats.js";

const bytes = (...codes) => btoa(String.fromCharCode(...codes));
const tone = (ms, hz = 300) => Int16Array.from({ length: ms * 24 }, (_, at) => 9000 * Math.sin((2 * Math.PI * hz * at) / 24000));
const loudness = (samples) => Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);

/** The ends and the middle of both laws, from the tables of ITU-T G.711. */
for (const [format, codes] of [
	["g711_ulaw", [[0x00, -32124], [0x80, 32124], [0xff, 0], [0x8f, 16764]]],
	["g711_alaw", [[0x2a, -32256], [0xaa, 32256], [0xd5, 8], [0x55, -8]]],
]) {
	test(`${format} is that of G.711, and each code comes back`, () => {
		for (const [code, sample] of codes) assert.equal(decode(bytes(code), format)[0], sample);
		for (let code = 0; code < 256; code++) {
			const sample = decode(bytes(code), format)[0];
			const again = encode(new Int16Array(3).fill(sample), format, 8000);
			assert.equal(decode(again, format)[0], sample, `code ${code}`);
		}
	});
}

for (const [format, perMs] of [["pcm16", 48], ["pcm16_8000hz", 16], ["pcm16_22050hz", 44.1], ["pcm16_48000hz", 96], ["g711_ulaw", 8], ["g711_alaw", 8]]) {
	test(`the length of ${format} is known, and it is played at its own pace`, () => {
		const text = bytes(...new Uint8Array(perMs * 200));
		assert.equal(lengthMs(text, format), 200);
		assert.equal(decode(text, format).length, 4800);
	});
}

for (const rateHz of [8000, 16000, 24000, 44100, 48000]) {
	test(`a tone is as long and as loud at ${rateHz} Hz`, () => {
		const text = encode(tone(20), "pcm16", rateHz);
		const samples = new Int16Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
		assert.equal(samples.length, rateHz / 50);
		assert.ok(Math.abs(loudness(samples) / loudness(tone(20)) - 1) < 0.05);
	});
}
