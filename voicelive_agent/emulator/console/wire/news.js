/** News of the agent's server: reloads, failures and lines of its log, with their file and line. */

/** Lines that come this close to one another are of one message. */
const TOGETHER_MS = 150;
const MAX_LINES = 24;

const LOUD = new Set(["WARNING", "ERROR", "CRITICAL"]);

const TITLES = {
	starting: "The agent is started anew",
	ready: "The agent answers with the new code",
	failed: "The agent does not start",
	ended: "The agent's server has ended",
};

export class News {
	/** @param {number} sinceMs what was before is no news, in ms of the epoch */
	constructor(sinceMs) {
		this.sinceMs = sinceMs;
		this.count = 0;
		/** What became of the agent last, with why. @type {NewsEntry | null} */
		this.agent = null;
		/** The log since the agent was last started: why that failed. @type {string[]} */
		this.lines = [];
		/** @type {NewsEntry | null} the message that the next line may belong to */
		this.open = null;
		this.openAtMs = 0;
	}

	/** Whether nobody, or older code than the files hold, answers now. */
	get isBroken() {
		return this.agent?.level === "error";
	}

	/** @param {AgentNews} news @returns {NewsEntry | null} what is to be told now */
	receiveAgent(news) {
		const isBad = news.what === "failed" || news.what === "ended";
		const entry = this.entry(isBad ? "error" : "info", TITLES[news.what], news.file, news.line);
		const why = isBad ? this.lines.slice(-MAX_LINES) : [];
		entry.text = [...why, news.message].filter(Boolean).join("\n");
		if (news.what === "starting") this.lines = [];
		if (news.what !== "starting" || !this.isBroken) this.agent = entry;
		this.open = null;
		return Date.parse(news.at) >= this.sinceMs ? entry : null;
	}

	/** @param {LogNews} news @returns {NewsEntry | null} what is to be told now; a line of the message before it is added there */
	receiveLog(news) {
		this.lines.push(news.message);
		if (this.lines.length > MAX_LINES) this.lines.shift();
		const atMs = Date.parse(news.at);
		if (!LOUD.has(news.level) || atMs < this.sinceMs) return null;
		const { open } = this;
		const level = news.level === "WARNING" ? "warning" : "error";
		if (open && open.level === level && atMs - this.openAtMs <= TOGETHER_MS) {
			open.text += `${open.text && "\n"}${news.message}`;
			open.place = placeOf(news.file, news.line) || open.place;
			this.openAtMs = atMs;
			return null;
		}
		this.openAtMs = atMs;
		this.open = this.entry(level, news.message, news.file, news.line);
		return this.open;
	}

	/** @param {NewsEntry["level"]} level @param {string} title @param {string | null} file @param {number | null} line @returns {NewsEntry} */
	entry(level, title, file, line) {
		return { kind: "news", key: `news-${++this.count}`, level, title, text: "", place: placeOf(file, line) };
	}
}

/** @param {string | null} file @param {number | null} line */
function placeOf(file, line) {
	if (!file) return "";
	return line === null ? file : `${file}:${line}`;
}
