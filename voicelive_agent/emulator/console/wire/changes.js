/** Changes between two texts, word by word. */

/** @typedef {{kind: "same" | "gone" | "new", text: string}} Piece */

/** Longer texts are compared as a whole. */
const MOST_WORDS = 1500;

/** @param {string} before @param {string} now @returns {Piece[]} */
export function changesOf(before, now) {
  const [one, other] = [wordsOf(before), wordsOf(now)];
  if (one.length > MOST_WORDS || other.length > MOST_WORDS) return before === now ? [same(now)] : [gone(before), fresh(now)];
  /** @type {Piece[]} */
  const pieces = [];
  const common = commonOf(one, other);
  let [at, to] = [0, 0];
  while (at < one.length || to < other.length) {
    if (at < one.length && to < other.length && one[at] === other[to]) {
      pieces.push(same(other[to++]));
      at += 1;
    } else if (to >= other.length || (at < one.length && common(at + 1, to) >= common(at, to + 1))) pieces.push(gone(one[at++]));
    else pieces.push(fresh(other[to++]));
  }
  return merged(pieces);
}

/** How many words two texts have in common from these on. @param {string[]} one @param {string[]} other */
function commonOf(one, other) {
  const width = other.length + 1;
  const table = new Uint16Array((one.length + 1) * width);
  for (let at = one.length - 1; at >= 0; at--) {
    for (let to = other.length - 1; to >= 0; to--) {
      const next = (at + 1) * width + to;
      table[at * width + to] = one[at] === other[to] ? table[next + 1] + 1 : Math.max(table[next], table[at * width + to + 1]);
    }
  }
  return (/** @type {number} */ at, /** @type {number} */ to) => table[at * width + to];
}

/** @param {Piece[]} pieces */
function merged(pieces) {
  /** @type {Piece[]} */
  const runs = [];
  for (const piece of pieces) {
    const last = runs.at(-1);
    if (last?.kind === piece.kind) last.text += ` ${piece.text}`;
    else runs.push({ ...piece });
  }
  return runs;
}

/** @param {string} text */
function wordsOf(text) {
  return text.split(/\s+/).filter(Boolean);
}

/** @param {string} text @returns {Piece} */
const same = (text) => ({ kind: "same", text });
/** @param {string} text @returns {Piece} */
const gone = (text) => ({ kind: "gone", text });
/** @param {string} text @returns {Piece} */
const fresh = (text) => ({ kind: "new", text });
