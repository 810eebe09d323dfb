import assert from "node:assert/strict";
import { test } from "node:test";
import { changesOf } from "../../../../voicelive_agent/emulator/console/wire/changes.js";

const spell = (before, now) => changesOf(before, now).map(({ kind, text }) => ({ same: "", gone: "-", new: "+" })[kind] + text);

test("texts that are alike have no changes", () => {
  assert.deepEqual(spell("we open at ten", "we open at  ten"), ["we open at ten"]);
  assert.deepEqual(spell("", ""), []);
});

test("words are changed, gone and new at their places", () => {
  assert.deepEqual(spell("we open at ten", "we open at nine today"), ["we open at", "-ten", "+nine today"]);
  assert.deepEqual(spell("a b c d", "b d"), ["-a", "b", "-c", "d"]);
  assert.deepEqual(spell("", "new words"), ["+new words"]);
  assert.deepEqual(spell("old words", ""), ["-old words"]);
});

test("each side can be read back from the pieces", () => {
  let seed = 7;
  const random = (count) => (seed = (seed * 48271) % 2147483647) % count;
  const text = () => Array.from({ length: random(12) }, () => "abcd"[random(4)]).join(" ");
  for (let round = 0; round < 500; round++) {
    const [before, now] = [text(), text()];
    const pieces = changesOf(before, now);
    const side = (kind) => pieces.filter((piece) => piece.kind === "same" || piece.kind === kind).map((piece) => piece.text).join(" ");
    assert.equal(side("gone"), before);
    assert.equal(side("new"), now);
  }
});

test("long texts are compared as a whole, and soon", () => {
  const long = Array.from({ length: 5000 }, (_, at) => at).join(" ");
  assert.deepEqual(spell(long, `${long} more`).map((piece) => piece[0]), ["-", "+"]);
  assert.deepEqual(spell(long, long).length, 1);
});
