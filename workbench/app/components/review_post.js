
// Verdicts on their way to the server. Each is written into the browser's storage before it is sent and taken out when
// the server has it on its disk, so that none is lost when the tab, the browser or the server ends in between; what is
// left is sent again on the next visit. A token names each verdict, so sending twice adds nothing.

const WAITING = "workbench.verdict.";
const REFUSED = "workbench.refused.";
const AT_ONCE = 40; // verdicts in one request
const KEEPALIVE = 60_000; // characters that a browser still sends for a tab that is closing
const PATIENCE = [400, 10_000]; // ms between attempts: the first, and the longest
const QUIET = 900; // ms that a verdict may be on its way before the page says so
const post = { mark: "", kept: new Map(), busy: false, size: AT_ONCE, delay: PATIENCE[0], timer: 0, fault: "", since: 0, heard: new Set(), serial: 0 };

// Begins to send what waits for this workspace, whoever left it there; `hear` is called with (others, changed).
function openPost(mark, hear) {
  post.heard.add(hear);
  if (post.mark !== mark) {
    Object.assign(post, { mark, fault: "" });
    post.kept.clear();
    window.addEventListener("online", () => sendPost());
  }
  stored(WAITING).forEach(([token, parcel]) => post.kept.has(token) || post.kept.set(token, parcel));
  sendPost();
}

function addToPost(dataset, entries) {
  entries.forEach((entry) => {
    const parcel = { dataset, entry, serial: (post.serial += 1) };
    post.kept.set(entry.token, parcel);
    write(WAITING, entry.token, parcel);
  });
  if (!post.since) post.since = performance.now();
  setTimeout(tell, QUIET + 20);
  sendPost();
}

async function sendPost() {
  clearTimeout(post.timer);
  if (post.busy || !post.kept.size) return;
  const waiting = [...post.kept.values()].sort((a, b) => a.entry.time - b.entry.time || a.serial - b.serial);
  const dataset = waiting[0].dataset;
  const other = waiting.findIndex((parcel) => parcel.dataset !== dataset);
  const entries = waiting.slice(0, other < 0 ? post.size : Math.min(other, post.size)).map((parcel) => parcel.entry);
  const body = JSON.stringify({ dataset, entries });
  post.busy = true;
  post.since ||= performance.now();
  try {
    const headers = { "Content-Type": "application/json", "X-Workbench": post.mark };
    const answer = await fetch("/api/verdicts", { method: "POST", headers, body, keepalive: body.length < KEEPALIVE });
    const found = await answer.json();
    if (answer.status === 400) settlePost(entries, unreadable(entries, found.error));
    else if (answer.ok) settlePost(entries, found);
    else throw new Error(found.error);
  } catch (error) {
    post.fault = error instanceof TypeError || error instanceof SyntaxError ? "the server does not answer" : error.message;
    post.delay = Math.min(post.delay * 2, PATIENCE[1]);
    post.timer = setTimeout(sendPost, post.delay);
  }
  post.busy = false;
  tell();
  if (!post.fault) sendPost();
}

// What the server cannot read: one verdict is refused; of several each is sent by itself, so that none holds others up.
function unreadable(entries, error) {
  const alone = entries.length === 1;
  post.size = 1;
  return { saved: [], refused: alone ? [{ token: entries[0].token, error }] : [], others: {} };
}

function settlePost(entries, found) {
  const errors = new Map(found.refused.map((one) => [one.token, one.error]));
  entries.forEach((entry) => {
    const error = errors.get(entry.token);
    if (error !== undefined) write(REFUSED, entry.token, { ...post.kept.get(entry.token), error });
    else if (found.saved.includes(entry.token)) post.size = AT_ONCE;
    else return;
    post.kept.delete(entry.token);
    erase(WAITING, entry.token);
  });
  Object.assign(post, { fault: "", delay: PATIENCE[0], since: post.kept.size ? performance.now() : 0 });
  post.heard.forEach((hear) => hear(found.others));
}

function tell() {
  post.heard.forEach((hear) => hear(null));
}

// What the page says of it: how many are not saved although there was time, why, and what was refused.
function postState() {
  const late = post.fault || (post.since && performance.now() - post.since > QUIET);
  return { waiting: post.kept.size, late: late ? post.kept.size : 0, fault: post.fault, refused: stored(REFUSED) };
}

function forgetRefused() {
  stored(REFUSED).forEach(([token]) => erase(REFUSED, token));
  tell();
}

function newToken() {
  return crypto.randomUUID ? crypto.randomUUID() : [...crypto.getRandomValues(new Uint32Array(4))].map((n) => n.toString(36)).join("-");
}

function stored(kind) {
  const start = `${kind}${post.mark}.`;
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(start))
      .map((key) => [key.slice(start.length), JSON.parse(localStorage.getItem(key))]).filter(([token, parcel]) => parcel?.entry?.token === token);
  } catch {
    return [];
  }
}

function write(kind, token, parcel) {
  try {
    localStorage.setItem(`${kind}${post.mark}.${token}`, JSON.stringify(parcel));
  } catch {
    return; // no storage here: it is kept in memory, and sent as long as this tab is open
  }
}

function erase(kind, token) {
  try {
    localStorage.removeItem(`${kind}${post.mark}.${token}`);
  } catch {
    return;
  }
}
