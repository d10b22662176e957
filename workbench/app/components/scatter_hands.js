// Pointer, wheel, keys and buttons.

const REACH = 9; // px around the pointer in which a point counts as meant
const REST = 160; // ms without a move after which all points are drawn again
const STEP = 60; // px of an arrow key
const MODES = {
  move: ["Move (drag); shift-drag draws a lasso", "M12 3v18M3 12h18M12 3l-3 3M12 3l3 3M12 21l-3-3M12 21l3-3M3 12l3-3M3 12l3 3M21 12l-3-3M21 12l-3 3"],
  lasso: ["Lasso: draw around points (L)", "M7 15.5C4.6 14.4 3 12.6 3 10.5C3 7 7 4 12 4s9 3 9 6.5S17 17 12 17c-1 0-2-.1-2.9-.3M7 15.5a2 2 0 1 0 .1 0M7 19.5c0 1 .6 1.7 1.6 1.9"],
  box: ["Box: drag over points (B)", "M4 4h4M11 4h3M17 4h3v3M20 10v3M20 16v4h-3M14 20h-3M8 20H4v-3M4 14v-3M4 8V4"],
};
const ACTIONS = {
  closer: ["Closer (+)", "M12 5v14M5 12h14", (state) => zoomBy(state, 1.5)],
  farther: ["Farther (-)", "M5 12h14", (state) => zoomBy(state, 1 / 1.5)],
  whole: ["Show all (0)", "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5", (state) => goTo(state, wholeCamera(state.space))],
  clear: ["Let go of the selection (Escape)", "M6 6l12 12M18 6L6 18", (state) => choose(state, "")],
};

function buildTools(state) {
  const button = (name, hint, path, act) => {
    const made = element("button", `tool ${name}`);
    made.type = "button";
    made.title = hint;
    made.setAttribute("aria-label", hint);
    const icon = svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" });
    icon.append(svg("path", { d: path }));
    made.append(icon);
    made.addEventListener("click", act);
    return made;
  };
  state.modes = Object.entries(MODES).map(([name, [hint, path]]) => button(name, hint, path, () => setMode(state, name)));
  const actions = Object.entries(ACTIONS).map(([name, [hint, path, act]]) => button(name, hint, path, () => { if (state.space) act(state); }));
  state.clear = actions.at(-1);
  state.tools.append(...state.modes, element("span", "gap"), ...actions);
  setMode(state, "move");
}

function setMode(state, mode) {
  state.mode = mode;
  state.stage.dataset.mode = mode;
  Object.keys(MODES).forEach((name, k) => state.modes[k].setAttribute("aria-pressed", String(name === mode)));
}

function markTools(state) {
  state.clear.hidden = !(state.lasso || state.held);
}

function listen(state) {
  const { canvas, stage } = state; // marks lie over the canvas and let everything through to the stage
  const held = new Map(); // pointers that are down
  let drag = null;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  stage.addEventListener("pointerdown", (event) => {
    if (event.button || !state.space) return;
    canvas.setPointerCapture(event.pointerId);
    held.set(event.pointerId, place(event));
    const kind = event.shiftKey && state.mode === "move" ? "lasso" : state.mode;
    const how = event.ctrlKey || event.metaKey ? "add" : event.altKey ? "remove" : "new";
    drag = { kind, how, line: [place(event)], camera: { ...state.camera }, moved: false };
    hideCard(state);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!state.space) return;
    const here = place(event);
    if (!held.has(event.pointerId)) {
      hover(state, here, event.pointerType);
      return;
    }
    const before = held.get(event.pointerId);
    held.set(event.pointerId, here);
    if (held.size === 2) pinch(state, held, event.pointerId, before);
    else if (drag) follow(state, drag, here);
  });
  const release = (event) => {
    if (!held.delete(event.pointerId) || held.size) return;
    const ended = drag;
    drag = null;
    if (ended && event.type === "pointerup") finish(state, ended);
    state.trail = null;
    drawTrail(state);
  };
  ["pointerup", "pointercancel", "lostpointercapture"].forEach((name) => stage.addEventListener(name, release));
  stage.addEventListener("pointerleave", () => hideCard(state));
  stage.addEventListener("dblclick", (event) => { if (state.space && state.mode === "move") zoomBy(state, 2, place(event)); });
  stage.addEventListener("wheel", (event) => onWheel(event, state, place(event)), { passive: false });
  canvas.addEventListener("keydown", (event) => onKey(event, state));
}

function follow(state, drag, here) {
  const [left, top] = drag.line[0];
  if (Math.hypot(here[0] - left, here[1] - top) > 3) drag.moved = true;
  if (drag.kind === "move") {
    const { scale } = viewOf(state);
    state.camera = { ...drag.camera, x: drag.camera.x - (here[0] - left) / scale, y: drag.camera.y + (here[1] - top) / scale };
    moved(state);
    return;
  }
  if (drag.kind === "box") drag.line = [[left, top], [here[0], top], here, [left, here[1]]];
  else if (Math.hypot(...here.map((value, k) => value - drag.line.at(-1)[k])) > 2) drag.line.push(here);
  state.trail = drag.line;
  drawTrail(state);
}

function finish(state, { kind, how, line, moved }) {
  if (!moved) {
    const index = nearestPoint(state, ...line[0], REACH);
    if (index >= 0) {
      state.picked = state.space.rows[index];
      tell(state, { face: String(state.picked) });
    } else if (kind !== "move" && state.chosen) choose(state, "");
    return;
  }
  if (kind === "move" || line.length < 3) return;
  const text = lassoText(state, line);
  if (how === "new" || !state.lasso) choose(state, how === "remove" ? "" : text);
  else choose(state, `${state.lasso}.${how === "remove" ? "-" : ""}${text}`);
}

function pinch(state, held, moving, before) {
  const [other] = [...held].filter(([id]) => id !== moving).map(([, place]) => place);
  const now = held.get(moving);
  const factor = Math.hypot(now[0] - other[0], now[1] - other[1]) / (Math.hypot(before[0] - other[0], before[1] - other[1]) || 1);
  state.camera = zoomed(state, factor, other);
  moved(state);
}

function onWheel(event, state, place) {
  if (!state.space) return;
  const factor = Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016));
  if (factor < 1 && state.camera.zoom <= ZOOMS[0]) return; // nothing is farther: the page scrolls on
  event.preventDefault();
  state.camera = zoomed(state, factor, place);
  moved(state);
}

function onKey(event, state) {
  if (event.ctrlKey || event.metaKey || event.altKey || !state.space) return;
  const { scale } = viewOf(state);
  const step = STEP / scale;
  const shift = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] }[event.key];
  const act = { "+": "closer", "=": "closer", "-": "farther", 0: "whole" }[event.key];
  const mode = { l: "lasso", b: "box", m: "move" }[event.key.toLowerCase()];
  if (shift) {
    state.camera = { ...state.camera, x: state.camera.x + shift[0], y: state.camera.y + shift[1] };
    moved(state);
  } else if (act) ACTIONS[act][2](state);
  else if (mode) setMode(state, mode === state.mode ? "move" : mode);
  else if (event.key === "Escape" && (state.chosen || pickedIndex(state) >= 0)) choose(state, "");
  else if (event.key === "Escape" && state.mode !== "move") setMode(state, "move");
  else return;
  event.preventDefault();
}

// The camera nearer by a factor, with what lies at a pixel staying there.
function zoomed(state, factor, [left, top]) {
  const zoom = Math.min(ZOOMS[1], Math.max(ZOOMS[0], state.camera.zoom * factor));
  const [x, y] = toData(viewOf(state), left, top);
  const share = state.camera.zoom / zoom;
  return { x: x + (state.camera.x - x) * share, y: y + (state.camera.y - y) * share, zoom };
}

function zoomBy(state, factor, place = [state.wide / 2, state.high / 2]) {
  goTo(state, zoomed(state, factor, place));
}

// Glides to a camera; jumps where a person wants no motion.
function goTo(state, target) {
  const from = state.camera;
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const begin = performance.now();
  const frame = (now) => {
    if (state.gliding !== frame) return;
    const share = still ? 1 : Math.min(1, (now - begin) / 180);
    const eased = 1 - (1 - share) ** 3;
    const between = (name) => from[name] + (target[name] - from[name]) * eased;
    state.camera = share === 1 ? target : { x: between("x"), y: between("y"), zoom: from.zoom * (target.zoom / from.zoom) ** eased };
    if (share < 1) requestAnimationFrame(frame);
    moved(state);
  };
  state.gliding = frame;
  frame(begin);
}

// After every move: draw, and tell Python once it is over.
function moved(state) {
  hideCard(state);
  state.moving = true;
  clearTimeout(state.resting);
  state.resting = setTimeout(() => {
    state.moving = false;
    draw(state);
  }, REST);
  draw(state);
  tell(state, { camera: cameraText(state) }, SETTLED);
}

function hover(state, [left, top], pointer) {
  const index = pointer === "touch" ? -1 : nearestPoint(state, left, top, REACH);
  state.stage.classList.toggle("aimed", index >= 0);
  if (index === state.hover) {
    if (index >= 0) placeCard(state, index);
    return;
  }
  state.hover = index;
  clearTimeout(state.asking);
  if (index < 0) hideCard(state);
  else showCard(state, index);
  drawRings(state);
}

function hideCard(state) {
  state.hover = -1;
  clearTimeout(state.asking);
  state.card.hidden = true;
  state.stage.classList.remove("aimed");
  if (state.wide) drawRings(state);
}

// Picture, label and value at once; the image's name as soon as it has been fetched.
function showCard(state, index) {
  const { data, codes, values, space } = state;
  const row = space.rows[index];
  const picture = element("img", "picture");
  picture.alt = "";
  const words = element("div", "words");
  const code = codes[index];
  const line = element("div", "value");
  const swatch = element("i", "dot");
  swatch.style.background = `rgb(${state.palette.slice(4 * code, 4 * code + 3).join(", ")})`;
  const value = values ? (Number.isNaN(values[index]) ? "–" : format(values[index])) : (data.names[code] ?? data.none);
  line.append(swatch, element("span", "", `${data.title}: ${value}`));
  const facts = element("div", "facts", `row ${row}`);
  words.append(line, facts);
  state.card.replaceChildren(picture, words);
  state.card.hidden = false;
  placeCard(state, index);
  state.asking = setTimeout(async () => {
    picture.src = `${data.pictures}${row}`;
    try {
      const answer = await fetch(`${data.facts}${row}`);
      if (!answer.ok || state.hover !== index) return;
      const found = await answer.json();
      const label = data.title === "label" ? [] : [found.label ? `label ${found.label}` : "no label"];
      const parts = [...label, ...(await toldOf(data.told, index)), found.split];
      if (state.hover !== index) return;
      facts.replaceChildren(element("div", "id", found.id), element("div", "", parts.join(" · ")));
      placeCard(state, index);
    } catch { /* the picture and the value stand without the name */ }
  }, 30);
}

// What is told of a point besides its colour.
async function toldOf(told, index) {
  if (!told) return [];
  const name = told.names[new Uint8Array(await fetched(told.address))[index]];
  return [name === undefined ? told.none : `${told.title} ${name}`];
}

function placeCard(state, index) {
  const { card, space, wide, high } = state;
  const [left, top] = toPixel(viewOf(state), space.places[2 * index], space.places[2 * index + 1]);
  const across = left + 14 + card.offsetWidth > wide ? left - 14 - card.offsetWidth : left + 14;
  const down = Math.min(Math.max(4, top - card.offsetHeight / 2), high - card.offsetHeight - 4);
  card.style.transform = `translate(${Math.round(Math.max(4, across))}px, ${Math.round(down)}px)`;
}
