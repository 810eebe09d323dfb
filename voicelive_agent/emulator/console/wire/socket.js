/** WebSocket of a call: opened as a browser can, opened again where it is lost. */

const RETRY_S = [1, 2, 4, 8];

/** Close codes of calls that have ended on purpose. */
const ENDED = new Set([1000, 1008]);

/**
 * The address and the sub-protocols of a call. A browser can send no header with a WebSocket, so
 * the key is offered as a sub-protocol: an address ends in logs and histories.
 * @param {string} origin of the emulator @param {{agent: string, model: string, conversationId: string}} wish
 * @param {string} key
 * @returns {{url: string, protocols: string[]}}
 */
export function addressOf(origin, { agent, model, conversationId }, key) {
	const url = new URL("/voice-live/realtime", origin);
	url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
	url.search = new URLSearchParams({
		"api-version": "2026-07-15",
		...(model ? { model } : { "agent-name": agent, "agent-project-name": "local" }),
		...(conversationId && { "conversation-id": conversationId }),
	}).toString();
	const protocols = key ? ["realtime", `api-key.${base64Url(key)}`] : [];
	return { url: url.href, protocols };
}

/** @param {string} text */
function base64Url(text) {
	const bytes = new TextEncoder().encode(text);
	return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export class CallSocket {
	/** @param {() => {url: string, protocols: string[]}} address asked anew for each try @param {SocketListener} listener */
	constructor(address, listener) {
		this.address = address;
		this.listener = listener;
		this.tries = 0;
		this.isClosed = false;
		/** @type {WebSocket | null} */
		this.socket = null;
		this.timer = 0;
	}

	open() {
		const { url, protocols } = this.address();
		const socket = new WebSocket(url, protocols);
		this.socket = socket;
		const isMine = () => this.socket === socket && !this.isClosed;
		socket.onopen = () => isMine() && this.listener.opened();
		socket.onmessage = ({ data }) => {
			if (!isMine()) return;
			// Only a service that speaks is well again: one that takes and drops calls is not.
			this.tries = 0;
			this.listener.received(JSON.parse(data), data);
		};
		socket.onclose = ({ code, reason }) => isMine() && this.lose(reason, code);
	}

	/** @param {string} reason @param {number} code */
	lose(reason, code) {
		this.socket = null;
		if (ENDED.has(code)) {
			this.isClosed = true;
			this.listener.lost(reason || "The emulator ended the call.", null);
			return;
		}
		const waitS = RETRY_S[Math.min(this.tries++, RETRY_S.length - 1)];
		this.timer = setTimeout(() => this.open(), waitS * 1000);
		this.listener.lost(reason, waitS);
	}

	/** It hangs: nothing is expected of it any more. */
	abandon() {
		const { socket } = this;
		if (!socket || this.isClosed) return;
		this.lose("The emulator does not answer.", 1006);
		socket.close();
	}

	get isOpen() {
		return this.socket?.readyState === WebSocket.OPEN;
	}

	/** @param {string} frame */
	send(frame) {
		if (this.isOpen) this.socket?.send(frame);
	}

	close() {
		this.isClosed = true;
		clearTimeout(this.timer);
		this.socket?.close(1000);
		this.socket = null;
	}
}
