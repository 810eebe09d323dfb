/**
 * Types of the console's modules, for `tsc --checkJs` alone: what they hand to one another, and what
 * the emulator answers. The browser does not load them, and the wheel has none of them.
 */

// The modules' classes.

type App = import("./parts/app.js").App;
type AudioEngine = import("./audio/engine.js").AudioEngine;
type Call = import("./call.js").Call;
type Comparison = import("./compare.js").Comparison;
type EventLogView = import("./parts/event-log.js").EventLogView;
type Feed = import("./feed.js").Feed;
type Lanes = import("./wire/lanes.js").Lanes;
type LanesView = import("./parts/lanes-view.js").LanesView;
type LogRow = import("./wire/log.js").Row;
type News = import("./wire/news.js").News;
type Observed = import("./wire/observed.js").Observed;
type Player = import("./audio/player.js").Player;
type Service = import("./service.js").Service;
type ServiceError = import("./service.js").ServiceError;
type Session = import("./wire/session.js").Session;
type Stage = import("./parts/stage.js").Stage;
type Sessions = import("./sessions.js").Sessions;

/** Of HTML, which all elements of the page are. */
interface Element {
  focus(): void;
}
interface HTMLElementTagNameMap {
  "console-event-log": EventLogView;
  "console-lanes": LanesView;
}

// A session: what is said and shown, and what must be done.

/** What the person said or typed. */
type YouEntry = {
  kind: "you";
  key: string;
  text: string;
  isPartial: boolean;
  isTyped: boolean;
  bargedIn: boolean;
  problem: string;
  response: string;
};

/**
 * What the agent said: `cutMs` is what was played of it by the page's own count where it was cut,
 * `serverMs` what the service took to be played.
 */
type AgentEntry = {
  kind: "agent";
  key: string;
  response: string;
  text: string;
  isDone: boolean;
  isGreeting: boolean;
  words: Word[];
  visemes: { id: number; atMs: number }[];
  audioMs: number;
  playedMs: number;
  cutMs: number | null;
  serverMs: number | null;
  isCutting: boolean;
  isTold: boolean;
  status: string;
};

/** What the agent shows; `chosen` is the button that was clicked, `isOld` kills the others. */
type CardEntry = { kind: "card"; key: string; card: any; chosen: number; isOld: boolean };

type NoteEntry = { kind: "note"; key: string; level: "error" | "warning" | "info"; text: string; code: string };

type CallStatus = "arriving" | "waits" | "runs" | "done" | "failed" | "denied";

/** `input` and `output` are texts, of JSON mostly; `server` is the label of an MCP server. */
type CallEntry = {
  kind: "call";
  key: string;
  type: "function" | "mcp" | "tools" | "approval";
  name: string;
  server: string;
  callId: string;
  input: string;
  output: string | null;
  status: CallStatus;
};

/** `text` are the lines that belong to it; `place` is `FILE:LINE`, or empty. */
type NewsEntry = {
  kind: "news";
  key: string;
  level: "info" | "warning" | "error";
  title: string;
  text: string;
  place: string;
};

type Entry = YouEntry | AgentEntry | CardEntry | NoteEntry | CallEntry | NewsEntry;

type Effect =
  | { do: "play"; item: string; audio: string }
  | { do: "end"; item: string }
  | { do: "cut"; why: string }
  | { do: "send"; event: any }
  | { do: "hangUp"; why: string }
  | { do: "configure" }
  | { do: "ready" }
  | { do: "called"; entry: CallEntry };

/** What was played of an item when it was cut, and what was left. */
type Cut = { item: string; playedMs: number; leftMs: number };

/** A word of an answer as `response.audio_timestamp.delta` tells it. */
type Word = { text: string; startMs: number; endMs: number };

/** A frame of the event log, as it comes. */
type Frame = {
  atMs: number;
  from: "client" | "server" | "page" | "agent";
  type: string;
  raw: string;
  summary: string;
  audioMs: number;
  response: string;
};

/** `way` names what a button can do about it: the console's own commands. */
type State = { name: string; label: string; sentence: string; way: string; tone: "calm" | "you" | "agent" | "busy" | "bad" };
type Phase = "idle" | "asking" | "connecting" | "open" | "reconnecting" | "ended";

/** A span of the call, in ms of it. */
type Span = { fromMs: number; toMs: number };
type Side = "you" | "agent";

// What the service and the browser are told.

type Preferences = typeof import("./preferences.js").DEFAULTS;
type Processing = { echoCancellation: boolean; noiseSuppression: boolean; autoGainControl: boolean };
type Wish = { agent: string; model: string };
/** Which session the page is to show: a live one, a recording, that of a replay (by its id), or its own. */
type SessionWish = { do: "watch" | "open" | "replay" | "back"; id: string };
type Choice = { value: string; label: string; wish: Wish };

type Outcome = "asked" | "applied" | "kept" | "refused" | "warned";
/** `path` as in `session.voice.name`. */
type Status = { outcome: Outcome; message: string; path: string };
type Update = { id: string; session: Record<string, any> };

/** What the audio engine tells: 20 ms or more that were captured, a message of the playback worklet, a microphone that is gone. */
type EngineListener = {
  captured(chunk: { pcm: Int16Array; rms: number; peak: number }): void;
  playback(message: any): void;
  microphoneLost(): void;
};
type PlayerListener = { moved(ms: number): void; stopped(): void };
type SocketListener = {
  opened(): void;
  received(event: any, raw: string): void;
  lost(reason: string, retryInS: number | null): void;
};

// What the emulator answers.

/** A turn as `GET /sessions/{id}` tells it; marks are ms since the session began. */
type Turn = {
  number: number;
  kind: string;
  item_id: string | null;
  response_id: string | null;
  status: string | null;
  user_text: string | null;
  agent_text: string | null;
  marks_ms: Record<string, number | null>;
  voice_to_voice_ms: number | null;
};
type Segment = { stage: string; fromMs: number; toMs: number; isEstimated: boolean };
/** A turn of the waterfall. */
type TurnRow = {
  turn: Turn;
  label: string;
  zeroMs: number;
  segments: Segment[];
  totalMs: number | null;
  isCut: boolean;
  isUnanswered: boolean;
};

type Summary = {
  id: string;
  state: string;
  answers: string;
  agent_name: string | null;
  model: string | null;
  conversation_id: string;
  began_at: string;
  duration_ms: number;
  turn_count: number;
  recorded: boolean;
};
type Recording = {
  id: string;
  state: string;
  recorded_at: string;
  duration_ms: number;
  agent_name: string | null;
  model: string | null;
  wav_bytes: number;
  events_bytes: number;
};
type Replay = { id: string; recording: string; session_id: string | null; state: string; error: string | null; result: any };

type AgentNews = {
  at: string;
  what: "starting" | "ready" | "failed" | "ended";
  message: string;
  changed: string[];
  file: string | null;
  line: number | null;
};
type LogNews = { at: string; level: string; message: string; file: string | null; line: number | null };

/** A turn that is stored, or one that an agent is given; `heard` is null where all of `reply` was. */
type PastTurn = {
  sequence?: number;
  kind: string;
  text: string;
  action: any;
  reply: string;
  heard: string | null;
  heard_is_known: boolean;
  cut?: boolean;
  interrupted: boolean;
  status?: string;
  reason?: string;
  ending?: string;
  notes: Record<string, any>;
};
/** Of two texts that are compared. */
type Piece = { kind: "same" | "gone" | "new"; text: string };

/** `mark` says where the person interrupted, if they did. */
type Reply = { heard: string; unheard: string; mark: string };

// The form of a session's settings.

/** A field as `GET /settings` describes it. */
type Field = {
  path: string;
  type: string;
  choices?: any[];
  items?: Field;
  fields?: Field[];
  variants?: Field[];
  options?: Field[];
  minimum?: number;
  maximum?: number;
  nullable?: boolean;
  required?: boolean;
  default?: any;
  applies?: string;
  ignored_in_agent_mode?: boolean;
};
/** One of the kinds of value that a field takes; `field` is null where the kind is one value alone. */
type Way = { label: string; field: Field | null; value: any };
type Problem = { path: string; message: string };
/** What a field is drawn with: `change` gets its new value, undefined to take it back; `error` tells what is wrong at a path. */
type FieldContext = {
  change: (value: any) => void;
  error: (path: string) => string;
  isDisabled: boolean;
  offers: (path: string) => string[];
};
type DrawField = (field: Field, value: any, path: string, context: FieldContext) => unknown;
