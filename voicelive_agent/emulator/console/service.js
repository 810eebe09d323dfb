/** The emulator over HTTP: what runs, its sessions, and why a call would be refused. */

const KEY = "voicelive-console-key";

/** A refusal by its status. @type {Record<number, string>} */
const TROUBLES = { 401: "key", 404: "no-agent", 429: "full" };

export class ServiceError extends Error {
	/** @param {string} trouble a name in `wire/states.js` @param {string} message @param {number} status */
	constructor(trouble, message, status) {
		super(message);
		this.trouble = trouble;
		this.status = status;
	}
}

export class Service {
	constructor() {
		/** Kept for this tab alone. */
		this.key = sessionStorage.getItem(KEY) ?? "";
	}

	/** @param {string} key */
	setKey(key) {
		this.key = key;
		sessionStorage.setItem(KEY, key);
	}

	/**
	 * Raises ServiceError; the message is the emulator's own, which says what to do.
	 * @param {string} path @param {RequestInit & {timeoutMs?: number}} options
	 */
	async request(path, { timeoutMs = 10_000, ...options } = {}) {
		const headers = { accept: "application/json", ...(this.key && { "api-key": this.key }), ...options.headers };
		let answer;
		try {
			answer = await fetch(path, { signal: AbortSignal.timeout(timeoutMs), ...options, headers });
		} catch {
			throw new ServiceError("away", "", 0);
		}
		if (answer.ok) return answer;
		const body = await answer.json().catch(() => null);
		throw new ServiceError(TROUBLES[answer.status] ?? "refused", body?.error?.message ?? "", answer.status);
	}

	/** @param {string} path @param {RequestInit & {timeoutMs?: number}} [options] */
	async json(path, options) {
		return (await this.request(path, options)).json();
	}

	about() {
		return this.json("/about");
	}

	/** Ask as the handshake would be answered: browsers don't say why one failed. @param {{agent: string, model: string}} wish */
	async preflight({ agent, model }) {
		const query = new URLSearchParams(model ? `model=${encodeURIComponent(model)}` : "agent-project-name=local");
		if (!model) query.set("agent-name", agent);
		await this.request(`/about?${query}`);
	}

	/**
	 * Server-sent events of a path, read with the key that `EventSource` could not send.
	 * @param {string} path @param {AbortSignal} signal
	 * @returns {AsyncGenerator<{event: string, id: string, data: any}>}
	 */
	async *events(path, signal, lastId = "") {
		const headers = { accept: "text/event-stream", ...(lastId && { "last-event-id": lastId }) };
		const answer = await this.request(path, { signal, headers });
		if (!answer.body) return;
		const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
		let text = "";
		for (;;) {
			const { done, value } = await reader.read();
			if (done) return;
			const blocks = (text + value).replaceAll("\r\n", "\n").split("\n\n");
			text = blocks.pop() ?? "";
			for (const block of blocks) {
				const event = parseBlock(block);
				if (event) yield event;
			}
		}
	}
}

/** @param {string} block */
function parseBlock(block) {
	/** @type {Record<string, string>} */
	const fields = {};
	for (const line of block.split("\n")) {
		const colon = line.indexOf(":");
		if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 1).trimStart();
	}
	if (fields.data === undefined) return null;
	return { event: fields.event ?? "message", id: fields.id ?? "", data: JSON.parse(fields.data) };
}
