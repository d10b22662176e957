// Faces to judge, one key a verdict. The coming faces are fetched ahead, so that the next is there at once; verdicts go to
// the server beside it (review_post.js). The state lives on the root node and outlasts reruns: as long as the queue's
// signature is the same, the page goes on with the queue it has. Everything is built with textContent: labels, ids and
// names come from data and from people and are never markup. In a blind queue nothing that could lead a verdict is shown
// before it is given: no label, proposal, doubt, neighbours' labels, others' verdicts, nor the id, which may tell a label.

const AHEAD = 16; // faces fetched ahead
const AHEAD_LIKE = 6; // ... and what is like them
const BEHIND = 2;
const PAUSE = 1200; // ms between the last step and telling the server where we are
const RECENT = 14; // faces in the strip of those just judged
const NAME = "workbench.reviewer";
const KEYS = { k: "keep", a: "ambiguous", n: "not-a-face", s: "skip" };

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".review");
  const state = (root.workbench ??= mount(root));
  Object.assign(state, { data, send: setTriggerValue });
  if (!data.reviewer) {
    askName(state);
    return;
  }
  if (state.signature !== data.signature) begin(state);
}

// The empty page; its listeners look at the state, so they are set once.
function mount(root) {
  const state = { root, signature: null, faces: new Map(), like: new Map(), pictures: new Map(), asked: new Set(), told: new Set() };
  root.tabIndex = -1;
  state.onKey = (event) => {
    if (!root.isConnected) document.removeEventListener("keydown", state.onKey, true);
    else onKey(event, state);
  };
  document.addEventListener("keydown", state.onKey, true);
  root.addEventListener("click", (event) => event.target.closest("input") || root.focus({ preventScroll: true }));
  return state;
}

function askName(state) {
  const { data, root } = state;
  const known = recallName();
  state.signature = null;
  if (known && !data.ask && !data.name_error && !state.offered) {
    state.offered = true;
    keepName(known);
    state.send("reviewer", known);
    return;
  }
  if (known && !data.ask && !data.name_error) return;
  const form = element("form", "name");
  const input = element("input", "");
  Object.assign(input, { type: "text", maxLength: 64, value: known, autocomplete: "nickname", required: true });
  input.setAttribute("aria-label", "Your name as a reviewer");
  const button = element("button", "primary", "Begin");
  form.append(element("h3", "", "Who is judging?"), element("p", "", data.words.name), input, button);
  if (data.name_error) form.append(element("p", "fault", data.name_error));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = input.value.trim();
    if (!name) return;
    keepName(name);
    state.send("reviewer", name);
  });
  root.replaceChildren(form);
  input.focus({ preventScroll: true });
}

// A tab keeps its own reviewer, whoever else has begun in another tab since; a new tab begins with the last one's name.
function keepName(name) {
  try { [sessionStorage, localStorage].forEach((place) => place.setItem(NAME, name)); } catch { /* asked again next time */ }
}

function recallName() {
  try { return sessionStorage.getItem(NAME) || localStorage.getItem(NAME) || ""; } catch { return ""; }
}

// Takes the queue that the server has made.
function begin(state) {
  const { data } = state;
  const other = state.faces_address !== data.faces;
  Object.assign(state, { signature: data.signature, faces_address: data.faces, queue: [...data.rows], chosen: new Set() });
  if (other) ["faces", "like", "pictures", "asked"].forEach((name) => state[name].clear());
  state.mine = new Map(data.mine.map(([row, action, after]) => [row, { action, after }]));
  state.others = new Map(data.others);
  state.earlier = { ...data.earlier };
  state.history = data.history.map((one) => ({ ...one, items: [{ row: one.row, token: one.token, id: one.id }], old: true }));
  state.times = [];
  const asked = state.queue.indexOf(data.at);
  const open = state.queue.findIndex((row) => !state.mine.has(row));
  state.place = asked >= 0 ? asked : Math.max(0, open);
  if (!state.hear) {
    state.hear = (others) => hear(state, others);
    openPost(data.workspace, state.hear);
  }
  lay(state);
  show(state);
  if (!outside(document.activeElement)) {
    state.root.focus({ preventScroll: true });
    bring(state);
  }
}

// In a window too low or narrow to hold filters and face, goes to the face: keys need no scrolling.
function bring(state) {
  const box = state.parts.stage.getBoundingClientRect();
  if (box.bottom > window.innerHeight || box.top < 0) state.root.scrollIntoView({ block: "start" });
}

// Whether a person is busy in a popover or a text field of the page.
function outside(node) {
  return node?.closest?.("[data-testid=stPopoverBody], [role=dialog], textarea, [data-testid=stTextInput]") ?? false;
}

function hear(state, others) {
  if (!state.root.isConnected) {
    post.heard.delete(state.hear);
    return;
  }
  Object.entries(others ?? {}).forEach(([id, said]) => {
    const face = [...state.faces.values()].find((one) => one.id === id);
    if (face) state.others.set(face.row, said);
  });
  if (state.signature) {
    drawPost(state);
    if (others) drawHistory(state);
  }
}

function onKey(event, state) {
  if (!state.signature || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const node = event.composedPath()[0];
  if (node.closest?.("input, textarea, select, [contenteditable=true]") || outside(node)) return;
  const pressing = node.closest?.("button, a, summary, [role=button], [role=option], [role=radio]");
  const foreign = pressing && !state.root.contains(node);
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const digit = /^(Digit|Numpad)([1-9])$/.exec(event.code)?.[2];
  let act = null;
  if (digit && !event.shiftKey) act = () => relabel(state, Number(digit) - 1);
  else if (KEYS[key]) act = () => judge(state, KEYS[key], "");
  else if (key === "Enter" && !pressing) act = () => accept(state);
  else if (key === "u" || key === "Backspace") act = () => undo(state);
  else if (key === "g") act = () => gather(state);
  else if (key === "ArrowRight" && !foreign) act = () => step(state, 1);
  else if (key === "ArrowLeft" && !foreign) act = () => step(state, -1);
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  if (event.repeat && !key.startsWith("Arrow")) return; // a key held down is one verdict
  state.pressed = performance.now();
  act();
  bring(state);
}

function relabel(state, place) {
  const name = state.data.classes[place];
  if (name !== undefined) judge(state, "relabel", name);
}

function accept(state) {
  const face = current(state);
  if (face && hidden(state, face.row)) say(state, "Nothing is proposed in a blind queue; choose a class.");
  else if (face && !face.action) say(state, "Nothing is proposed for this face.");
  else if (face) judge(state, face.action, face.proposed);
}

function current(state) {
  return state.faces.get(state.queue[state.place]);
}

// Whether what is known of a face must not be seen yet: a skip is no verdict, and what has been seen stays seen.
function hidden(state, row) {
  const said = state.mine.get(row);
  return Boolean(state.data.blind) && !state.told.has(seenKey(state, row)) && (!said || said.action === "skip");
}

function seenKey(state, row) {
  return `${state.data.dataset} ${row}`;
}

// Sends a verdict on the face, and on those chosen as looking the same, and goes on.
function judge(state, action, after) {
  const face = current(state);
  if (!face) return;
  const verdict = verdictOn(face, action, after);
  if (action === "keep" && hidden(state, face.row)) {
    say(state, "The label is not shown in a blind queue; choose a class.");
    return;
  }
  if (verdict.action === "keep" && !face.label) {
    say(state, "This image has no label to keep.");
    return;
  }
  const like = (state.like.get(face.row)?.items ?? []).filter((item) => state.chosen.has(item.row));
  const group = verdict.action === "keep" ? ["relabel", face.label] : [action, after];
  const entries = [entryOf(state, face, verdict), ...like.map((item) => entryOf(state, item, verdictOn(item, ...group)))];
  addToPost(state.data.dataset, entries);
  const items = [face, ...like].map((item, place) => ({ row: item.row, token: entries[place].token, id: item.id, former: state.mine.get(item.row) }));
  [face, ...like].forEach((item, place) => state.mine.set(item.row, { action: entries[place].action, after: entries[place].after }));
  state.history.push({ row: face.row, ...verdict, items });
  state.times.push(performance.now());
  advance(state);
}

// To relabel an image to the label it has is to keep it.
function verdictOn(image, action, after) {
  return action === "relabel" && after === image.label ? { action: "keep", after: "" } : { action, after };
}

function entryOf(state, image, verdict) {
  return {
    token: newToken(), image: image.id, digest: image.digest, reviewer: state.data.reviewer, before: image.label,
    action: verdict.action, after: verdict.action === "relabel" ? verdict.after : "", time: Date.now() / 1000, blind: hidden(state, image.row),
  };
}

function advance(state) {
  do state.place += 1;
  while (state.data.open_only && state.place < state.queue.length && state.mine.has(state.queue[state.place]));
  show(state);
}

function step(state, change) {
  const place = Math.min(state.queue.length, Math.max(0, state.place + change));
  if (place === state.place) return;
  state.place = place;
  show(state);
}

// Takes the last verdict back and returns to its face.
function undo(state) {
  const last = state.history.pop();
  if (!last) {
    say(state, "There is nothing to take back.");
    return;
  }
  const back = last.items.map((item) => ({
    token: newToken(), image: item.id, reviewer: state.data.reviewer, action: "undo", undoes: item.token, time: Date.now() / 1000,
  }));
  addToPost(state.data.dataset, back);
  last.items.forEach((item) => state.others.get(item.row)?.length && state.told.add(seenKey(state, item.row)));
  last.items.forEach((item) => (item.former ? state.mine.set(item.row, item.former) : state.mine.delete(item.row)));
  state.others.delete(last.row);
  if (!last.old) state.times.pop();
  else if (state.earlier[last.action] && !state.queue.includes(last.row)) state.earlier[last.action] -= 1;
  const place = state.queue.indexOf(last.row);
  if (place < 0) state.queue.splice(state.place, 0, last.row);
  else state.place = place;
  show(state);
}

// Chooses all that look the same, or none.
function gather(state) {
  const row = state.queue[state.place];
  const same = (state.like.get(row)?.items ?? []).filter((item) => item.same);
  if (!state.chosen.size && !same.length) say(state, "None looks the same; click those that do.");
  state.chosen = new Set(state.chosen.size ? [] : same.map((item) => item.row));
  drawLike(state);
  drawKeys(state);
}

function show(state) {
  state.chosen.clear();
  say(state, "");
  fetchAhead(state);
  drawFace(state);
  clearTimeout(state.timer);
  state.timer = setTimeout(() => {
    if (state.root.isConnected && state.signature) state.send("at", state.queue[state.place] ?? -1);
  }, PAUSE);
}

async function fetchAhead(state) {
  const near = (ahead) => state.queue.slice(Math.max(0, state.place - BEHIND), state.place + ahead);
  const wanted = (kind, ahead) => near(ahead).filter((row) => !state[kind].has(row) && !state.asked.has(`${kind} ${row}`));
  const faces = wanted("faces", AHEAD);
  const like = wanted("like", AHEAD_LIKE);
  const here = state.queue[state.place];
  const lacking = (kind, rows) => rows.length > AHEAD / 4 || rows.includes(here) || (rows.length && kind === "like");
  if (lacking("faces", faces)) load(state, "faces", state.data.faces, faces);
  if (lacking("like", like)) load(state, "like", state.data.alike, like);
}

async function load(state, kind, address, rows) {
  const { signature } = state;
  rows.forEach((row) => state.asked.add(`${kind} ${row}`));
  let found = null;
  try {
    const answer = await fetch(address + rows.join("-"));
    found = await answer.json();
    if (!answer.ok) throw new Error(found.error);
  } catch (error) {
    rows.forEach((row) => state.asked.delete(`${kind} ${row}`));
    if (state.signature === signature && rows.includes(state.queue[state.place])) {
      say(state, error instanceof TypeError ? "The server does not answer; trying again." : error.message);
      setTimeout(() => state.root.isConnected && state.signature === signature && fetchAhead(state), 2000);
    }
    return;
  }
  if (address !== state.data[kind === "faces" ? "faces" : "alike"]) return;
  found.forEach((one) => {
    state[kind].set(one.row, one);
    if (kind === "faces") keepPicture(state, one.row, one.image);
    else if (one.sheet) keepPicture(state, `sheet ${one.row}`, one.sheet);
  });
  if (rows.includes(state.queue[state.place])) kind === "faces" ? drawFace(state) : drawLike(state);
}

function keepPicture(state, key, address) {
  const picture = new Image();
  picture.src = address;
  picture.decode?.().catch(() => {});
  state.pictures.set(key, picture);
  if (state.pictures.size > 120) state.pictures.delete(state.pictures.keys().next().value);
}
