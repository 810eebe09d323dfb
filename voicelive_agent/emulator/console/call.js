/** Call: the microphone, the socket, the session and the loudspeaker of one conversation, joined. */

import { AudioEngine } from "./audio/engine.js";
import { decode, encode, lengthMs } from "./audio/formats.js";
import { peakOf, RATE_HZ } from "./audio/pcm.js";
import { Tape } from "./audio/tape.js";
import { Source, tell } from "./events.js";
import { load, save, SESSION } from "./preferences.js";
import { Service, ServiceError } from "./service.js";
import { Lanes } from "./wire/lanes.js";
import { EventLog, summarise } from "./wire/log.js";
import { Session } from "./wire/session.js";
import { addressOf, CallSocket } from "./wire/socket.js";
import { answerCall, approveCall } from "./wire/calls.js";
import { check } from "./wire/form.js";
import { describe } from "./wire/states.js";
import { pageMarks, toRow } from "./wire/turns.js";
import { Updates } from "./wire/updates.js";

const CHUNK_MS = 20;
const CHUNK = (RATE_HZ * CHUNK_MS) / 1000;
/** A muted user who speaks louder than this for a while is told. */
const TALKING_RMS = 0.03;
const TALKING_CHUNKS = 15;
const WATCH_MS = 4000;
const TURNS_DELAY_MS = 250;

/** The browser's errors of a microphone. @type {Record<string, string>} */
const MICROPHONE_TROUBLES = {
	NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "no-device", OverconstrainedError: "no-device",
	NotReadableError: "busy", AbortError: "busy",
};

/** Now, in ms of the epoch: the clock that the emulator's times are compared with. */
export const now = () => performance.timeOrigin + performance.now();

/** Tells `change` when there is something new to draw, and `moved` when the sound of both goes on. */
export class Call extends Source {
	constructor() {
		super();
		this.service = new Service();
		this.preferences = load();
		this.session = new Session();
		this.log = new EventLog();
		this.updates = new Updates();
		this.lanes = new Lanes();
		this.tape = new Tape();
		/** What is played again of this call, in ms of it. @type {number | null} */
		this.headMs = null;
		this.engine = new AudioEngine({
			captured: (chunk) => this.captured(chunk),
			playback: (message) => this.heard(message),
			microphoneLost: () => this.loseMicrophone(),
		});
		void this.engine.setLoudspeaker(this.preferences);
		/** @type {CallSocket | null} */
		this.socket = null;
		/** @type {Phase} */
		this.phase = "idle";
		this.trouble = "";
		this.detail = "";
		this.retryInS = 0;
		this.endReason = "";
		/** Who answers where nobody was chosen; `known` once the emulator was asked. */
		this.firstAgent = "agent";
		this.known = Promise.resolve();
		/** Why the agent that is chosen would not answer, as the emulator says it. */
		this.agentAway = "";
		this.began = 0;
		this.isMuted = false;
		this.isHolding = false;
		this.isPushToTalk = false;
		this.hasMicrophone = false;
		this.microphoneLost = false;
		this.loudChunks = 0;
		this.inputLevel = 0;
		this.outputLevel = 0;
		this.underruns = 0;
		this.cutMs = /** @type {number | null} */ (null);
		/** @type {TurnRow[]} */
		this.rows = [];
		/** From the session's clock to the page's, in ms. */
		this.offsetMs = 0;
		this.watcher = 0;
		this.turnTimer = 0;
		this.greets = false;
		/** Microphone and loudspeaker of the call, once they are open. @type {Promise<unknown>} */
		this.sound = Promise.resolve();
		/** @type {PermissionStatus | null} of the microphone, as far as the browser tells it */
		this.permission = null;
		void this.learnPermission().catch(() => {});
		this.pendingTexts = /** @type {string[]} */ ([]);
		/** Calls that hear and are told the same: other agents, to compare. @type {Call[]} */
		this.followers = [];
	}

	async learnPermission() {
		this.permission = await navigator.permissions.query({ name: /** @type {PermissionName} */ ("microphone") });
	}

	get state() {
		return describe(this, this.session, now());
	}

	get isOpen() {
		return this.phase === "open" || this.phase === "reconnecting" || this.phase === "connecting" || this.phase === "asking";
	}

	get talksWhileMuted() {
		return this.isMuted && this.loudChunks >= TALKING_CHUNKS;
	}

	get endsInS() {
		const ends = this.session.settings.expires_at;
		return ends ? Math.max(0, Math.round(ends - now() / 1000)) : null;
	}

	moved() {
		tell(this, "moved");
	}

	/** @param {Partial<Preferences>} some */
	prefer(some) {
		Object.assign(this.preferences, some);
		save(this.preferences);
		this.changed();
	}

	/** @param {Phase} phase @param {{trouble?: string, detail?: string}} [why] */
	enter(phase, { trouble = "", detail = "" } = {}) {
		Object.assign(this, { phase, trouble, detail });
		this.changed();
	}

	/** Who is to answer. */
	get wish() {
		return { agent: this.preferences.agent || this.firstAgent, model: this.preferences.model };
	}

	/** @param {(call: Call) => void} what */
	lead(what) {
		for (const follower of this.followers) what(follower);
	}

	// Beginning and end.

	/** Talk: must be called in a click or a key press. @param {{withMicrophone?: boolean}} [how] */
	async talk({ withMicrophone = true } = {}) {
		if (this.isOpen) return;
		this.greets = this.preferences.isGreeting && !this.pendingTexts.length;
		this.microphoneLost = false;
		const isAsked = withMicrophone && this.permission?.state !== "granted";
		this.enter(isAsked ? "asking" : "connecting");
		const loudspeaker = this.engine.openLoudspeaker();
		const microphone = withMicrophone ? this.openMicrophone() : Promise.resolve();
		const sound = Promise.all([microphone, loudspeaker]);
		sound.catch(() => {});
		this.sound = sound;
		const isMine = () => this.isOpen && this.sound === sound;
		try {
			// Where nobody has to be asked, the call is opened beside the microphone.
			await Promise.all([this.known.then(() => this.service.preflight(this.wish)), isAsked && microphone]);
			if (isMine()) this.connect();
			await sound;
			if (isMine()) await this.engine.connectMicrophone();
			else if (!this.isOpen) this.engine.closeMicrophone();
		} catch (error) {
			if (isMine()) this.fail(error);
		}
	}

	async openMicrophone() {
		if (!navigator.mediaDevices) throw new ServiceError("insecure", "", 0);
		await this.engine.openMicrophone(this.preferences.processing, this.preferences.deviceId);
		this.hasMicrophone = true;
	}

	fail(error) {
		const trouble = error instanceof ServiceError ? error.trouble : (MICROPHONE_TROUBLES[error?.name] ?? "refused");
		const detail = error instanceof ServiceError ? error.message : trouble === "refused" ? String(error) : "";
		this.close();
		this.enter("idle", { trouble, detail });
	}

	connect() {
		this.session = new Session();
		this.updates.begin();
		this.log.clear();
		this.lanes.clear();
		this.tape.clear();
		this.rows = [];
		this.began = now();
		this.underruns = 0;
		this.cutMs = null;
		this.endReason = "";
		this.enter("connecting");
		this.socket = new CallSocket(() => this.address(), {
			opened: () => this.enter("open"),
			received: (event, raw) => this.receive(event, raw),
			lost: (reason, retryInS) => this.lose(reason, retryInS),
		});
		this.socket.open();
		clearInterval(this.watcher);
		this.watcher = setInterval(() => this.watch(), WATCH_MS);
		this.lead((call) => void call.talk());
	}

	address() {
		return addressOf(location.origin, { ...this.wish, conversationId: this.session.conversationId }, this.service.key);
	}

	/** Browsers have no ping, and don't say why a handshake failed: the service is asked. */
	async watch() {
		const { socket, phase } = this;
		if (phase !== "open" && phase !== "reconnecting") return;
		try {
			await (phase === "open" ? this.service.json("/sessions", { timeoutMs: WATCH_MS - 500 }) : this.service.preflight(this.wish));
		} catch (error) {
			if (socket !== this.socket || phase !== this.phase || !(error instanceof ServiceError)) return;
			if (phase === "open" && error.status === 0) socket?.abandon();
			// Started anew with another key, or without this agent: no further try is let in.
			else if (phase === "reconnecting" && (error.status === 401 || error.status === 404)) this.fail(error);
		}
	}

	/** @param {string} reason @param {number | null} retryInS */
	async lose(reason, retryInS) {
		this.perform(this.session.silence("lost"));
		await this.engine.cut();
		this.session.active = this.session.playing = this.session.waiting = null;
		this.session.isUserSpeaking = false;
		this.session.isReady = false;
		this.greets = false;
		if (retryInS === null) {
			this.end(reason);
			return;
		}
		this.retryInS = retryInS;
		this.enter("reconnecting", { detail: reason });
	}

	hangUp() {
		this.end("");
	}

	/** @param {string} reason */
	end(reason) {
		this.endReason = reason;
		this.close();
		this.enter("ended");
	}

	close() {
		this.lead((call) => call.isOpen && call.hangUp());
		clearInterval(this.watcher);
		this.socket?.close();
		this.socket = null;
		this.hasMicrophone = false;
		this.isHolding = false;
		this.inputLevel = this.outputLevel = 0;
		this.session.playing = this.session.active = this.session.waiting = null;
		this.session.isUserSpeaking = false;
		// Said once: what the loudspeaker tells when it is closed would end the call again, and the next one.
		this.session.endReason = "";
		this.pendingTexts = [];
		void this.engine.close();
	}

	loseMicrophone() {
		this.microphoneLost = true;
		this.hasMicrophone = false;
		this.inputLevel = 0;
		this.changed();
	}

	// Events in and out.

	/** @param {string} raw */
	receive(event, raw) {
		const at = now();
		this.note("server", event, raw, at);
		const update = this.updates.receive(event);
		if (update?.refused != null) this.refused(update.update, update.refused);
		else this.perform(this.session.receive(event, at));
		this.lanes.receive(event, at - this.began);
		if (event.type === "response.done" || event.type === "conversation.item.truncated") this.turnChanged();
		this.changed();
	}

	send(event) {
		const raw = JSON.stringify(event);
		this.socket?.send(raw);
		this.note("client", event, raw, now());
	}

	/** @param {"client" | "server" | "page"} from @param {string} raw @param {number} at */
	note(from, event, raw, at) {
		const isSound = event.type === "response.audio.delta";
		this.log.add({
			atMs: at - this.began, from, type: event.type, raw, summary: summarise(event),
			audioMs: isSound ? lengthMs(event.delta, this.session.settings.output_audio_format) : 0, response: event.response_id ?? "",
		});
	}

	/** News of the agent's server, where the conversation has come to. @param {string} kind @param {any} data
	 * @param {NewsEntry | null} entry */
	tellNews(kind, data, entry) {
		const { what = data.level, message } = data;
		const summary = `${what} ${message}`;
		this.log.add({ atMs: now() - (this.began || now()), from: "agent", type: kind, raw: JSON.stringify(data), summary, audioMs: 0, response: "" });
		if (entry) this.session.entries.push(entry);
		this.changed();
	}

	/** The service knows more of a turn; its marks are asked for once it is quiet for a moment. */
	turnChanged() {
		clearTimeout(this.turnTimer);
		this.turnTimer = setTimeout(() => this.loadTurns().catch(() => {}), TURNS_DELAY_MS);
	}

	async loadTurns() {
		const { session } = this;
		if (!session.id) return;
		const { turns, began_at } = await this.service.json(`/sessions/${session.id}`);
		if (session !== this.session) return;
		this.offsetMs = Date.parse(began_at) - this.began;
		const { outputLatencyMs } = this.engine;
		this.rows = turns.map((/** @type {Turn} */ turn) =>
			toRow(turn, pageMarks(session.marks.get(turn.response_id ?? ""), Date.parse(began_at), outputLatencyMs)),
		);
		this.changed();
	}

	/** @param {Effect[]} effects */
	perform(effects) {
		for (const effect of effects) {
			if (effect.do === "play") this.play(effect.item, effect.audio);
			else if (effect.do === "end") this.engine.end(effect.item);
			else if (effect.do === "cut") void this.cut(effect.why);
			else if (effect.do === "send") this.send(effect.event);
			else if (effect.do === "hangUp") this.end(effect.why);
			else if (effect.do === "configure") this.update(this.wishes);
			else if (effect.do === "called") this.called(effect.entry);
			else void this.begin().catch(() => {});
		}
	}

	/** @param {string} item @param {string} audio */
	play(item, audio) {
		if (this.engine.playback) this.engine.play(item, decode(audio, this.session.settings.output_audio_format));
		else this.session.playing = null;
	}

	/** Cut the sound, and tell the service what of it was played. @param {string} why */
	async cut(why) {
		const asked = now();
		const { at, items } = await this.engine.cut();
		this.cutMs = Math.max(0, at - asked);
		if (!this.socket || why === "lost") {
			this.session.wasCut(items, "lost");
			return;
		}
		const played = items.map(({ item, playedMs }) => `${item} ${Math.floor(playedMs)} ms`).join(", ");
		const said = { type: "page.silent", text: `${Math.round(this.cutMs)} ms after that; played ${played || "nothing"}` };
		this.note("page", said, JSON.stringify({ ...said, items }), now());
		this.lanes.cut(now() - this.began);
		this.perform(this.session.wasCut(items, why));
		this.changed();
	}

	/** The service has the session: now the person may be heard, and the agent may greet. */
	async begin() {
		await this.sound;
		if (this.phase !== "open") return;
		if (this.greets) this.send({ type: "response.create" });
		this.greets = false;
		for (const text of this.pendingTexts.splice(0)) void this.write(text);
	}

	/** The session that a call asks for: the console's, with the user's settings over it. */
	get wishes() {
		return { ...SESSION, ...this.preferences.session, ...(this.isPushToTalk && { turn_detection: null }) };
	}

	// What the person does.

	async interrupt() {
		this.lead((call) => call.interrupt());
		this.perform(this.session.silence("interrupt"));
		this.changed();
	}

	/** Cut the answer, and go on once the service has been told. @param {string} why */
	async silence(why) {
		const effects = this.session.silence(why);
		if (!effects.length) return;
		const { items } = await this.engine.cut();
		const cancels = this.session.wasCut(items, why);
		// What follows cancels the running response itself.
		this.perform(cancels.filter((effect) => effect.do !== "send" || effect.event.type !== "response.cancel"));
	}

	/** @param {string} text */
	async write(text) {
		this.lead((call) => (call.isOpen ? void call.write(text) : !this.isOpen && call.pendingTexts.push(text)));
		if (this.phase !== "open" || !this.session.isReady) {
			this.pendingTexts.push(text);
			if (!this.isOpen) await this.talk({ withMicrophone: false });
			return;
		}
		await this.silence("typed");
		for (const event of this.session.typed(text)) this.send(event);
		this.session.waiting = { atMs: now(), what: "agent" };
		this.changed();
	}

	/** @param {CardEntry} entry @param {number} index */
	async click(entry, index) {
		if (this.phase !== "open") return;
		const event = this.session.click(entry, index);
		if (!event) return;
		await this.silence("click");
		this.send(event);
		this.changed();
	}

	/** A function is called: answered as it always is, or by the person. @param {CallEntry} entry */
	called(entry) {
		const output = this.preferences.answers[entry.name];
		if (output !== undefined) this.answer(entry, output);
	}

	/** @param {CallEntry} entry @param {string} output */
	answer(entry, output) {
		this.perform(answerCall(this.session, entry, output));
		this.changed();
	}

	/** @param {CallEntry} entry @param {boolean} isApproved */
	approve(entry, isApproved) {
		this.perform(approveCall(this.session, entry, isApproved));
		this.changed();
	}

	/** Ask once more for what failed. */
	askAgain() {
		this.session.failure = null;
		for (const event of this.session.asking) this.send(event);
		this.session.waiting = { atMs: now(), what: "agent" };
		this.changed();
	}

	mute(isMuted = !this.isMuted) {
		this.lead((call) => call.mute(isMuted));
		this.isMuted = isMuted;
		this.loudChunks = 0;
		this.changed();
	}

	/** Push-to-talk: the service waits for a commit instead of a pause. @param {boolean} isPushToTalk */
	setPushToTalk(isPushToTalk) {
		if (this.isPushToTalk === isPushToTalk) return;
		this.isPushToTalk = isPushToTalk;
		this.lead((call) => call.setPushToTalk(isPushToTalk));
		if (this.phase === "open") this.update({ turn_detection: this.wishes.turn_detection });
		this.changed();
	}

	async hold() {
		if (this.phase !== "open" || !this.hasMicrophone || this.isHolding) return;
		this.setPushToTalk(true);
		this.isHolding = true;
		this.lead((call) => call.hold());
		this.perform(this.session.silence("interrupt"));
		this.changed();
	}

	release() {
		if (!this.isHolding) return;
		this.isHolding = false;
		this.lead((call) => call.release());
		if (this.phase === "open") {
			this.send({ type: "input_audio_buffer.commit" });
			this.send({ type: "response.create" });
		}
		this.changed();
	}

	/** @param {Record<string, any>} session @param {boolean} [isTold] whether the form says what became of it */
	update(session, isTold = false) {
		this.send(this.updates.ask(session, isTold));
	}

	/**
	 * A setting of the person's; false where it can't be right, and is asked of nobody.
	 * @param {Field} field @param {any} value
	 */
	set(field, value) {
		const name = field.path;
		const [problem] = check(field, value, `session.${name}`);
		if (problem) {
			this.updates.refuse(name, problem.path, problem.message);
			this.changed();
			return false;
		}
		this.prefer({ session: { ...this.preferences.session, [name]: value } });
		this.apply(field, value);
		return true;
	}

	/** Back to the console's own value. @param {Field} field */
	takeBack(field, value) {
		const { [field.path]: _own, ...session } = this.preferences.session;
		this.prefer({ session });
		this.apply(field, value);
	}

	/** @param {Field} field */
	apply(field, value) {
		if (field.applies !== "next_call") this.lead((call) => call.phase === "open" && call.update({ [field.path]: value }));
		if (this.phase === "open" && field.applies !== "next_call") this.update({ [field.path]: value }, true);
		else this.updates.keep(field.path);
		this.changed();
	}

	/** The service did not take an update: nothing of it applies. @param {Update} update @param {string} name */
	refused({ session }, name) {
		const { [name]: wrong, ...rest } = session;
		const { [name]: _own, ...own } = this.preferences.session;
		// It would be refused at every call; the form still shows it, with the reason.
		this.prefer({ session: own });
		tell(this, "refused", { name, value: wrong });
		if (!this.session.isReady) this.update(name in session ? rest : SESSION);
	}

	/** @param {Partial<Processing>} some */
	async process(some) {
		const processing = { ...this.preferences.processing, ...some };
		this.prefer({ processing });
		// Chromium changes these of a running track only by opening it again.
		if (this.hasMicrophone) await this.reopenMicrophone();
	}

	async reopenMicrophone() {
		try {
			await this.openMicrophone();
			await this.engine.connectMicrophone();
			this.microphoneLost = false;
		} catch (error) {
			this.loseMicrophone();
			this.session.note("error", String(error));
		}
		this.changed();
	}

	/** The loudspeaker of the call. @param {{volume?: number, sinkId?: string}} some */
	async setLoudspeaker(some) {
		this.prefer(some);
		await this.engine.setLoudspeaker(this.preferences);
	}

	// Sound in and out.

	/** @param {{pcm: Int16Array, rms: number, peak: number}} chunk */
	captured(chunk) {
		const { rms, peak } = chunk;
		this.inputLevel = rms;
		const { talksWhileMuted } = this;
		this.loudChunks = rms > TALKING_RMS ? this.loudChunks + 1 : Math.max(0, this.loudChunks - 0.2 * (chunk.pcm.length / CHUNK));
		if (this.talksWhileMuted !== talksWhileMuted) this.changed();
		this.moved();
		// What is played again would be taken for the person.
		const isHeard = !this.isMuted && this.headMs === null && (!this.isPushToTalk || this.isHolding);
		const pcm = isHeard ? chunk.pcm : new Int16Array(chunk.pcm.length);
		this.lead((call) => call.captured({ ...chunk, pcm }));
		const atMs = this.tape.write("you", now() - this.began, pcm);
		this.lanes.put("you", atMs - CHUNK_MS, isHeard ? peak : 0);
		if (this.phase !== "open" || !this.session.isReady) return;
		if (this.isPushToTalk && !this.isHolding) return;
		const { input_audio_format: format, input_audio_sampling_rate: rateHz } = this.session.settings;
		const audio = encode(pcm, format, rateHz);
		this.log.addAppend();
		this.socket?.send(`{"type":"input_audio_buffer.append","audio":"${audio}"}`);
	}

	/** A turn of this call is heard again, up to here; null where it is over. @param {number | null} ms */
	replayAt(ms) {
		this.headMs = ms;
		this.changed();
	}

	/** The loudspeaker has played on. @param {{playing: string, playedMs: number, pcm: Int16Array}} message */
	played({ playing, playedMs, pcm }) {
		this.session.played(playing, playedMs);
		const endMs = this.tape.write("agent", now() - this.began, pcm);
		const beganMs = endMs - (pcm.length / RATE_HZ) * 1000;
		this.outputLevel = peakOf(pcm);
		for (let at = 0; at < pcm.length; at += CHUNK) {
			this.lanes.put("agent", beganMs + (at / RATE_HZ) * 1000, peakOf(pcm.subarray(at, at + CHUNK)));
		}
		this.moved();
	}

	/** A message of the playback worklet. */
	heard(message) {
		if (message.began) {
			this.session.began(message.began, message.at);
			this.turnChanged();
			this.changed();
		} else if (message.playing) {
			this.played(message);
		} else if (message.underrun) {
			this.underruns += 1;
			this.changed();
		} else if (message.quiet) {
			this.outputLevel = 0;
			this.session.played(message.quiet, message.playedMs);
			this.perform(this.session.finished(message.quiet, message.at));
			this.changed();
		}
	}
}
