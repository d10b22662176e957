// A map of many points: pan, zoom, lasso and box, hover with a picture, a legend that filters, labels that keep apart.
// Positions and colours are fetched once each. The state lives on the root node and outlasts reruns; fetched positions
// outlast the page. What a person chose is text that Python keeps in the address: `lasso`, `hidden`, `camera`, `face`.
// Everything is built with textContent: names come from data and are never markup.

const FETCHED = new Map(); // buffers by address, so that coming back does not fetch again
const KEPT = 6;
const SETTLED = 600; // ms without a move after which Python hears where one is

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".scatter");
  const state = (root.workbench ??= mount(root));
  const before = state.data;
  state.data = data;
  state.send = setTriggerValue;
  if (state.address !== data.points) load(state);
  else if (state.space) renew(state, before);
  return () => queueMicrotask(() => { if (!root.isConnected) state.painter?.close(); });
}

function mount(root) {
  const part = (name, tag = "div") => element(tag, name);
  const state = { root, stage: part("stage"), canvas: part("canvas", "canvas"), tools: part("tools"), note: part("note") };
  Object.assign(state, { card: part("near"), legend: part("legend"), says: part("says"), overlay: svg("svg", { class: "overlay", "aria-hidden": "true" }) });
  Object.assign(state, { address: null, space: null, mode: "move", camera: null, echo: {}, unsent: {}, hidden: new Set(), hover: -1 });
  state.canvas.tabIndex = 0;
  state.canvas.setAttribute("role", "application");
  state.says.setAttribute("role", "status");
  state.card.hidden = true;
  state.note.textContent = "Fetching the points …";
  state.stage.append(state.canvas, state.overlay, state.card, state.note);
  root.append(state.tools, state.stage, state.legend, state.says);
  buildTools(state);
  listen(state);
  new ResizeObserver(() => { if (state.space && root.isConnected) draw(state); }).observe(state.stage);
  return state;
}

async function fetched(address) {
  if (!FETCHED.has(address)) {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(await answer.text());
    FETCHED.set(address, await answer.arrayBuffer());
    if (FETCHED.size > KEPT) FETCHED.delete(FETCHED.keys().next().value);
  }
  return FETCHED.get(address);
}

// Fetches the positions, then the colours; what is on the screen stays until both are there.
async function load(state) {
  const { data } = state;
  state.address = data.points;
  try {
    const [points] = await Promise.all([fetched(data.points), fetched(data.colour)]);
    if (state.address !== data.points) return;
    state.space = unpack(points, data.count);
    state.camera = null;
    state.echo = {};
    state.painter?.close();
    state.painter = makePainter(state);
    state.note.textContent = data.count ? "" : "There is no point on this map.";
    renew(state, null);
  } catch (error) {
    state.address = null;
    state.note.textContent = `The points could not be fetched: ${error.message}`;
  }
}

// Takes over what Python has changed.
async function renew(state, before) {
  const { data } = state;
  state.stage.style.height = `min(${data.height}px, max(340px, 105cqw))`;
  if (news(state, "camera", data.camera) || !state.camera) state.camera = readCamera(state, data.camera);
  const lasso = news(state, "lasso", data.lasso) || before === null;
  if (news(state, "hidden", data.hidden) || before === null) state.hidden = new Set(data.hidden ? data.hidden.split(".") : []);
  if (lasso) state.lasso = data.lasso;
  if (news(state, "held", data.held) || before === null) {
    const buffer = data.held ? await reached(state, data.held) : null;
    if (buffer === undefined || state.data.held !== data.held) return;
    state.held = buffer && new Uint8Array(buffer);
  }
  const recolour = state.coloured !== JSON.stringify([data.points, data.colour, data.kind, data.low, data.high, data.colours]);
  if (recolour) {
    const buffer = await reached(state, data.colour);
    if (!buffer || state.data.colour !== data.colour) return;
    takeColours(state, buffer);
  }
  refresh(state);
}

// What an address holds; says so and gives nothing where it cannot be fetched.
async function reached(state, address) {
  try {
    return await fetched(address);
  } catch (error) {
    state.note.textContent = `The colours could not be fetched: ${error.message}`;
    return undefined;
  }
}

// Whether Python says something else than it said before and than what it has been told from here and not yet repeated.
function news(state, name, value) {
  const echo = (state.echo[name] ??= { told: null, sent: [] });
  if (value === echo.told) return false;
  echo.told = value;
  const place = echo.sent.indexOf(value);
  if (place < 0) return true;
  echo.sent.splice(0, place + 1);
  return false;
}

// Tells Python; several changes at once travel together.
function tell(state, changes, wait = 0) {
  Object.assign(state.unsent, changes);
  Object.entries(changes).forEach(([name, value]) => { (state.echo[name] ??= { told: null, sent: [] }).sent.push(value); });
  clearTimeout(state.timer);
  const go = () => {
    if (!state.root.isConnected) return;
    state.send("change", { ...state.unsent });
    state.unsent = {};
  };
  if (wait) state.timer = setTimeout(go, wait);
  else go();
}

function takeColours(state, buffer) {
  const { data } = state;
  state.coloured = JSON.stringify([data.points, data.colour, data.kind, data.low, data.high, data.colours]);
  state.values = data.kind === "value" ? new Float32Array(buffer) : null;
  state.codes = data.kind === "value" ? codesOf(state.values, data.low, data.high) : new Uint8Array(buffer);
  state.palette = data.kind === "value" ? ramp(data.colours) : paletteOf(data.colours);
  const counts = new Array(256).fill(0);
  state.codes.forEach((code) => { counts[code] += 1; });
  state.counts = counts;
  state.order = drawingOrder(state);
  state.painter.colours(state.codes, state.palette);
}

// Works out what is shown and chosen, and draws it all.
function refresh(state) {
  const { space, data } = state;
  const off = offCodes(state);
  state.visible = off.size ? state.codes.map((code) => (off.has(code) ? 0 : 1)) : null;
  state.chosen = state.lasso ? insideLasso(space, state.lasso, state.visible) : seenOf(state.held, state.visible);
  state.chosenCount = state.chosen ? state.chosen.reduce((sum, one) => sum + one, 0) : 0;
  state.painter.marks(arrange(state), state.chosen);
  buildLegend(state);
  markTools(state);
  describe(state);
  draw(state);
  state.root.dataset.shown = data.points;
  state.root.dataset.colour = data.colour;
  state.root.dataset.chosen = state.chosenCount;
}

// The points that Python holds, but for those the legend has switched off.
function seenOf(held, visible) {
  return held && visible ? held.map((one, i) => one & visible[i]) : held ?? null;
}

// Codes of the classes that the legend has switched off; the last code stands for "none".
function offCodes(state) {
  const off = new Set();
  if (state.data.kind === "class") state.hidden.forEach((name) => { if (/^\d+$/.test(name)) off.add(Number(name)); });
  if (state.hidden.has("none")) off.add(NONE);
  return off;
}

// The visible points in the order of drawing: chosen ones last.
function arrange(state) {
  const { order, visible, chosen } = state;
  const shown = visible ? order.filter((index) => visible[index]) : order;
  if (!chosen) return shown;
  const sorted = new Uint32Array(shown.length);
  let low = 0;
  let high = shown.length - shown.reduce((sum, index) => sum + chosen[index], 0);
  shown.forEach((index) => { sorted[chosen[index] ? high++ : low++] = index; });
  return sorted;
}

// What a screen reader says of the map, and of a choice as it is made.
function describe(state) {
  const { data, canvas } = state;
  const words = `${data.description} Arrow keys move, plus and minus zoom, 0 shows all, L draws a lasso, Escape lets go.`;
  canvas.setAttribute("aria-label", words);
  state.says.textContent = state.chosen ? `${state.chosenCount.toLocaleString("en")} of ${data.count.toLocaleString("en")} points selected` : "";
}

// One frame.
function draw(state) {
  cancelAnimationFrame(state.frame);
  state.frame = requestAnimationFrame(() => {
    const wide = state.stage.clientWidth;
    const high = state.stage.clientHeight;
    if (!wide || !high || !state.space || !state.codes) return;
    state.wide = wide;
    state.high = high;
    state.painter.paint(viewOf(state), wide, high);
    drawOverlay(state);
    state.root.dataset.frames = Number(state.root.dataset.frames ?? 0) + 1;
  });
}

// Selects what a lasso holds, nothing where it is empty; what was selected or picked before is let go.
function choose(state, lasso) {
  state.lasso = lasso;
  state.held = null;
  state.data = { ...state.data, picked: null };
  refresh(state);
  tell(state, { lasso, face: "" });
}

function toggle(state, names) {
  names.forEach((name) => { if (!state.hidden.delete(name)) state.hidden.add(name); });
  refresh(state);
  tell(state, { hidden: [...state.hidden].sort().join(".") });
}
