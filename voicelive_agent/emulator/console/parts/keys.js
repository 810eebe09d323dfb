/** Keys of the page; none is taken from a field that is typed in. */

/** What each key does, as the help shows it. */
export const KEYS = [
	{ keys: "T", says: "talk, hang up" },
	{ keys: "Space", says: "hold to talk" },
	{ keys: "M", says: "mute, unmute" },
	{ keys: "Esc", says: "interrupt the agent" },
	{ keys: "/", says: "write" },
	{ keys: "1 – 9", says: "the newest buttons" },
	{ keys: "J K", says: "next turn, turn before" },
	{ keys: "E", says: "events" },
	{ keys: "Ctrl F", says: "search events" },
	{ keys: ",", says: "settings" },
	{ keys: "D", says: "light, dark" },
	{ keys: "?", says: "these keys" },
];

/** @type {Record<string, (app: App) => void>} */
const DOES = {
	t: ({ call }) => (call.isOpen ? call.hangUp() : void call.talk()),
	m: ({ call }) => call.isOpen && call.mute(),
	escape: ({ call }) => void call.interrupt(),
	"/": (app) => app.write(),
	j: (app) => app.moveTurn(1),
	k: (app) => app.moveTurn(-1),
	e: (app) => app.open("events"),
	",": (app) => app.open("settings"),
	d: (app) => app.act("theme"),
	"?": (app) => app.act("help"),
};

/** @param {App} app */
export function listen(app) {
	addEventListener("keydown", (event) => press(app, event));
	addEventListener("keyup", (event) => event.key === " " && app.call.release());
	addEventListener("blur", () => app.call.release());
}

/** @param {App} app @param {KeyboardEvent} event */
function press(app, event) {
	const key = event.key.toLowerCase();
	if ((event.ctrlKey || event.metaKey) && key === "f") {
		event.preventDefault();
		const focus = () => app.querySelector("console-event-log")?.focusSearch();
		focus();
		app.open("turns");
		void app.updateComplete.then(focus);
		return;
	}
	if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
	if (key === " ") {
		hold(app, event);
		return;
	}
	const does = /^[1-9]$/.test(key) ? () => clickNewest(app, Number(key) - 1) : DOES[key];
	if (!does || event.repeat) return;
	event.preventDefault();
	does(app);
}

/** @param {KeyboardEvent} event */
function isTyping(event) {
	const target = /** @type {HTMLElement} */ (event.target);
	if (target.closest?.("dialog[open]")) return true;
	return target.matches?.("input:not([type=checkbox], [type=radio], [type=range]), select, textarea") && event.key !== "Escape";
}

/** @param {App} app @param {KeyboardEvent} event */
function hold(app, event) {
	// On these, Space is a click.
	if (/** @type {HTMLElement} */ (event.target).matches?.("button:not(.hold), summary, input")) return;
	event.preventDefault();
	if (!event.repeat) void app.call.hold();
}

/** @param {App} app @param {number} index */
function clickNewest(app, index) {
	const card = app.call.session.entries.findLast(
		(entry) => entry.kind === "card" && !entry.isOld && entry.chosen < 0 && entry.card?.buttons?.length,
	);
	if (card?.kind === "card") void app.call.click(card, index);
}
