import assert from "node:assert/strict";
import { test } from "node:test";
import { splitAt } from "../../../../voicelive_agent/emulator/console/wire/heard.js";

const text = "We are open from 5 pm.";
const words = ["We", "are", "open", "from", "5", "pm"].map((word, at) => ({ text: word, startMs: at * 200, endMs: at * 200 + 200 }));

test("the text is parted at the word that is being spoken", () => {
	assert.deepEqual(splitAt(text, words, 500, 1200), ["We are ", "open", " from 5 pm."]);
});

test("before the first word nothing is heard, after the last one all is", () => {
	assert.deepEqual(splitAt(text, words, 0, 1200), ["", "", text]);
	assert.deepEqual(splitAt(text, words, 1200, 1200), [text, "", ""]);
});

test("words that are spelled otherwise in the text are passed over", () => {
	const spelled = words.map((word) => (word.text === "5" ? { ...word, text: "five" } : word));
	assert.deepEqual(splitAt(text, spelled, 1100, 1200), ["We are open from 5 ", "pm", "."]);
});

test("a word that comes again is the next one, not the first", () => {
	const twice = [{ text: "no", startMs: 0, endMs: 100 }, { text: "no", startMs: 100, endMs: 200 }];
	assert.deepEqual(splitAt("no, no!", twice, 150, 200), ["no, ", "no", "!"]);
});

test("without words the text is parted in proportion, at a word", () => {
	assert.deepEqual(splitAt("one two three four", [], 500, 1000), ["one two ", "three", " four"]);
	assert.deepEqual(splitAt("one two three four", [], 990, 1000), ["one two three ", "four", ""]);
	assert.deepEqual(splitAt("one two", [], 0, 1000), ["", "", "one two"]);
	assert.deepEqual(splitAt("one two", [], 1000, 1000), ["one two", "", ""]);
});

test("every split holds the whole text", () => {
	for (let ms = -10; ms < 1400; ms += 7) {
		assert.equal(splitAt(text, words, ms, 1200).join(""), text);
		assert.equal(splitAt(text, [], ms, 1200).join(""), text);
	}
});
