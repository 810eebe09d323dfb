/** Event log: the frames of both directions in order, filtered and found without drawing them. */

/**
 * A frame; a run of sound of one response is one row with `count` and `audioMs`.
 * @typedef {{number: number, atMs: number, from: "client" | "server" | "page" | "agent", type: string, raw: string,
 *   summary: string, count: number, audioMs: number, response: string}} Row
 */

export const MAX_ROWS = 200_000;

const SOUND = "response.audio.delta";
/** What comes by the hundred, interleaved: one row each, until something else happens. */
const RUNS = /^response\.(audio|animation_viseme|audio_timestamp)\.delta$/;

/** @type {Record<string, (row: Row) => boolean>} */
export const FILTERS = {
  "main events": (row) => row.type === SOUND || !RUNS.test(row.type),
  everything: () => true,
  sent: (row) => row.from === "client",
  received: (row) => row.from === "server",
  transcripts: (row) => /transcript/.test(row.type),
  turns: (row) => /^(response\.(created|done)|input_audio_buffer\.|conversation\.item\.truncate)/.test(row.type),
  "cards and calls": (row) => /invocation|function_call|mcp/.test(row.type),
  "the agent's log": (row) => row.from === "agent",
  "errors and warnings": (row) => /^(error|warning)$|failed$/.test(row.type),
};

export class EventLog {
  constructor() {
    /** @type {Row[]} */
    this.rows = [];
    /** @type {Map<string, Row>} rows that what comes next may belong to */
    this.runs = new Map();
    this.appends = 0;
    this.numbers = 0;
    this.version = 0;
  }

  /** @param {Omit<Row, "number" | "count">} frame */
  add(frame) {
    this.version += 1;
    const isRun = RUNS.test(frame.type);
    if (!isRun) this.runs.clear();
    const run = this.runs.get(frame.type + frame.response);
    if (run) {
      run.count += 1;
      run.audioMs += frame.audioMs;
      return;
    }
    const row = { ...frame, number: ++this.numbers, count: 1 };
    if (isRun) this.runs.set(frame.type + frame.response, row);
    this.rows.push(row);
    // Dropped by the thousand, since each drop moves all rows.
    if (this.rows.length > MAX_ROWS) this.rows.splice(0, MAX_ROWS / 10);
  }

  /** Sound of the microphone: counted, not kept. @param {number} [chunks] */
  addAppend(chunks = 1) {
    this.appends += chunks;
  }

  clear() {
    this.rows = [];
    this.runs.clear();
    this.version += 1;
  }

  /** @param {string} filter @param {string} text @param {Row[]} rows @returns {Row[]} */
  find(filter, text, rows = this.rows) {
    const keep = FILTERS[filter] ?? FILTERS.everything;
    const wanted = text.toLowerCase();
    return rows.filter(
      (row) => keep(row) && (!wanted || row.type.includes(wanted) || row.raw.toLowerCase().includes(wanted)),
    );
  }
}

/** What one line can say of an event. @param {any} event */
export function summarise(event) {
  switch (event.type) {
    case "session.update":
      return `{${Object.keys(event.session ?? {}).join(", ")}}`;
    case "input_audio_buffer.speech_started":
      return `@${event.audio_start_ms} ms`;
    case "input_audio_buffer.speech_stopped":
      return `@${event.audio_end_ms} ms`;
    case "conversation.item.truncate":
    case "conversation.item.truncated":
      return `${event.audio_end_ms} ms`;
    case "response.created":
      return event.response?.id ?? "";
    case "response.create":
      return event.response ? JSON.stringify(event.response) : "";
    case "response.done":
      return event.response?.status ?? "";
    case "response.invocation.delta":
      return `${event.delta?.type ?? ""} ${quote(event.delta?.title ?? "")}`;
    case "error":
      return event.error?.message ?? "";
    case "warning":
      return event.warning?.message ?? "";
    default:
      return quote(event.transcript ?? (/audio\.delta$/.test(event.type) ? "" : (event.delta ?? event.text ?? "")));
  }
}

/** @param {unknown} text */
function quote(text) {
  return typeof text === "string" && text ? `“${text}”` : "";
}
