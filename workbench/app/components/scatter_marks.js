// What lies over the points: lines, landmarks with labels that keep apart, rings, and the legend beneath the map.

const SVG = "http://www.w3.org/2000/svg";
const ROW = 15; // px, height of a label
const SHAPES = { mean: [6, "M-5.5 0a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0-11 0"], text: [5, "M0-5.500L5.500 0L0 5.500L-5.500 0Z"], prompt: [9, "M0-9L2.600-3.200L9-2.600L4.200 1.700L5.600 8L0 4.700L-5.600 8L-4.200 1.700L-9-2.600L-2.600-3.200Z"] };
const LAYERS = { mean: "means", text: "texts", prompt: "prompts" };
const LAYER_WORDS = { texts: "texts", means: "class means", prompts: "your prompts" };
const BINS = 64; // bars over the colour bar

function svg(name, attributes, text) {
  const node = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => node.setAttribute(key, value));
  if (text !== undefined) node.textContent = text;
  return node;
}

function format(value) {
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e5)) return value.toExponential(2);
  return String(Number(value.toPrecision(3))).replace("-", "−");
}

function textWidth(state, text, strong) {
  state.measure ??= document.createElement("canvas").getContext("2d");
  state.widths ??= new Map();
  const key = `${strong}${text}`;
  if (!state.widths.has(key)) {
    const family = getComputedStyle(state.root).fontFamily;
    state.measure.font = strong ? `600 13px ${family}` : `12px ${family}`;
    state.widths.set(key, state.measure.measureText(text).width);
  }
  return state.widths.get(key);
}

function drawOverlay(state) {
  const { overlay, wide, high } = state;
  overlay.setAttribute("viewBox", `0 0 ${wide} ${high}`);
  const view = viewOf(state);
  state.rings = svg("g", {});
  state.line = svg("path", { class: "trail" });
  overlay.replaceChildren(...outlines(state, view), ...landmarks(state, view), state.line, state.rings);
  drawTrail(state);
  drawRings(state);
}

function outlines(state, view) {
  if (!state.lasso) return [];
  const { x0, y0, side } = state.space;
  const place = ([x, y]) => toPixel(view, x0 + (x / LEVELS) * side, y0 + (y / LEVELS) * side).map((value) => value.toFixed(1)).join(" ");
  return readLasso(state.lasso).filter(({ corners }) => corners.length).map(({ sign, corners }) =>
    svg("path", { class: sign ? "lasso" : "lasso less", d: `M${corners.map(place).join("L")}Z` }));
}

// The line that is being drawn.
function drawTrail(state) {
  state.line?.setAttribute("d", state.trail ? `M${state.trail.map((place) => place.join(" ")).join("L")}Z` : "");
}

// Rings around the point under the pointer and around the picked one.
function drawRings(state) {
  if (!state.rings || !state.space) return;
  const view = viewOf(state);
  const ring = (index, name) => {
    const [cx, cy] = toPixel(view, state.space.places[2 * index], state.space.places[2 * index + 1]);
    return svg("circle", { class: `ring ${name}`, cx, cy, r: 7 });
  };
  const picked = pickedIndex(state);
  state.rings.replaceChildren(...(picked >= 0 ? [ring(picked, "picked")] : []), ...(state.hover >= 0 ? [ring(state.hover, "aim")] : []));
}

function pickedIndex(state) {
  if (state.data.picked === null) return -1;
  if (state.foundFor !== `${state.data.picked} ${state.data.points}`) {
    state.foundFor = `${state.data.picked} ${state.data.points}`;
    state.found = state.space.rows.indexOf(state.data.picked);
  }
  return state.found;
}

function landmarks(state, view) {
  const shown = state.data.landmarks.filter(({ kind }) => !state.hidden.has(LAYERS[kind]));
  const placed = shown.map((mark) => ({ ...mark, at: toPixel(view, mark.x, mark.y) }));
  const within = placed.filter(({ at: [x, y] }) => x > -20 && y > -20 && x < state.wide + 20 && y < state.high + 20);
  const taken = [];
  within.forEach(({ kind, at: [x, y] }) => { if (kind !== "text") taken.push([x - SHAPES[kind][0], y - SHAPES[kind][0], x + SHAPES[kind][0], y + SHAPES[kind][0]]); });
  const nodes = [...arrows(state, view, placed)];
  within.forEach((mark) => nodes.push(shape(mark)));
  const first = { prompt: 0, mean: 1, text: 2 };
  within.sort((a, b) => first[a.kind] - first[b.kind]).forEach((mark) => nodes.push(...label(state, mark, taken)));
  return nodes;
}

function arrows(state, view, marks) {
  if (!state.data.centre) return [];
  const [x1, y1] = toPixel(view, ...state.data.centre);
  const means = marks.filter(({ kind }) => kind === "mean");
  const lines = means.map(({ at: [x2, y2], colour }) => svg("line", { class: "arrow", x1, y1, x2, y2, stroke: colour }));
  const halos = means.map(({ at: [x2, y2] }) => svg("line", { class: "halo", x1, y1, x2, y2 }));
  return means.length ? [...halos, ...lines, svg("circle", { class: "centre", cx: x1, cy: y1, r: 3.5 })] : [];
}

function shape({ kind, at, colour, hint }) {
  const node = svg("path", { class: `mark ${kind}`, d: SHAPES[kind][1], fill: colour, transform: `translate(${at[0].toFixed(1)} ${at[1].toFixed(1)})` });
  node.append(svg("title", {}, hint));
  return node;
}

// A label at the first free place around its mark; farther places get a line. Without a free place it waits for a closer look.
function label(state, { kind, at: [x, y], label: text, hint }, taken) {
  const strong = kind !== "text";
  const short = text.length > 34 ? `${text.slice(0, 32)}…` : text;
  const wide = textWidth(state, short, strong) + 2;
  const off = SHAPES[kind][0] + 3;
  const places = [];
  [off, off + 14, off + 30].forEach((far) => {
    const slant = far * 0.72;
    places.push([x + far, y - ROW / 2], [x - far - wide, y - ROW / 2], [x - wide / 2, y - far - ROW], [x - wide / 2, y + far]);
    places.push([x + slant, y - slant - ROW], [x + slant, y + slant], [x - slant - wide, y - slant - ROW], [x - slant - wide, y + slant]);
  });
  const free = ([left, top]) => left >= 2 && top >= 2 && left + wide <= state.wide - 2 && top + ROW <= state.high - 2
    && !taken.some(([a, b, c, d]) => left < c && a < left + wide && top < d && b < top + ROW);
  const place = places.findIndex(free);
  if (place < 0) return [];
  const [left, top] = places[place];
  taken.push([left - 2, top, left + wide + 2, top + ROW]);
  const node = svg("text", { class: `label ${kind}`, x: left.toFixed(1), y: (top + ROW - 3.5).toFixed(1) }, short);
  node.append(svg("title", {}, hint));
  if (place < 8) return [node];
  const end = [Math.min(left + wide, Math.max(left, x)), Math.min(top + ROW, Math.max(top, y))];
  return [svg("line", { class: "leader", x1: x, y1: y, x2: end[0], y2: end[1] }), node];
}

// The legend: a button a class that switches it on and off, or a colour bar; then the layers of landmarks.
function buildLegend(state) {
  const { data, hidden, counts } = state;
  const rows = state.chosen ? chosenCounts(state) : null;
  const signature = JSON.stringify([data.title, data.help, data.kind, data.names, data.colours, data.low, data.high, [...hidden], counts, rows, data.landmarks.length, data.colour]);
  if (signature === state.legendFor) return;
  state.legendFor = signature;
  const focused = state.legend.getRootNode().activeElement?.dataset?.name;
  const title = element("span", "title", data.title);
  if (data.help) {
    title.title = data.help;
    title.classList.add("explained");
  }
  const parts = [title];
  if (data.kind === "class") data.names.forEach((name, code) => { if (counts[code]) parts.push(classChip(state, String(code), name, data.colours[code], code, rows)); });
  else parts.push(colourBar(state));
  if (counts[NONE]) parts.push(classChip(state, "none", data.none, "#9aa3ab", NONE, rows));
  const kinds = new Set(data.landmarks.map(({ kind }) => LAYERS[kind]));
  const layers = Object.keys(LAYER_WORDS).filter((name) => kinds.has(name)).map((name) => layerChip(state, name));
  if (layers.length) parts.push(element("span", "gap"), ...layers);
  state.legend.replaceChildren(...parts);
  if (focused) [...state.legend.children].find((node) => node.dataset.name === focused)?.focus();
}

function chosenCounts(state) {
  const rows = new Array(256).fill(0);
  state.chosen.forEach((one, i) => { rows[state.codes[i]] += one; });
  return rows;
}

function chip(state, name, words) {
  const button = element("button", "chip");
  button.type = "button";
  button.dataset.name = name;
  button.setAttribute("aria-pressed", String(!state.hidden.has(name)));
  button.title = words;
  button.addEventListener("click", () => toggle(state, [name]));
  return button;
}

function classChip(state, name, text, colour, code, rows) {
  const total = state.counts[code].toLocaleString("en");
  const number = rows ? `${rows[code].toLocaleString("en")} of ${total}` : total;
  const button = chip(state, name, `${text}: ${number} points. Click: show or hide. Double-click: only this one, or all.`);
  const swatch = element("i", "dot");
  swatch.style.background = colour;
  button.append(swatch, element("span", "name", text), element("span", "number", number));
  button.addEventListener("dblclick", () => only(state, name));
  return button;
}

// Shows one class alone; again: all.
function only(state, name) {
  const all = state.data.names.map((_, code) => String(code)).concat("none");
  const others = all.filter((other) => other !== name);
  const alone = others.every((other) => state.hidden.has(other));
  toggle(state, alone ? others : others.filter((other) => !state.hidden.has(other)).concat(state.hidden.has(name) ? [name] : []));
}

function layerChip(state, name) {
  const button = chip(state, name, `Click: show or hide the ${LAYER_WORDS[name]}.`);
  const kind = Object.keys(LAYERS).find((one) => LAYERS[one] === name);
  const icon = svg("svg", { viewBox: "-10 -10 20 20", class: "glyph", "aria-hidden": "true" });
  icon.append(svg("path", { d: SHAPES[kind][1] }));
  button.append(icon, element("span", "name", LAYER_WORDS[name]));
  return button;
}

// The colour bar with the number of points over each part of it; chosen points in full, all points pale.
function colourBar(state) {
  const { data, codes, chosen, palette } = state;
  const all = new Array(BINS).fill(0);
  const some = new Array(BINS).fill(0);
  codes.forEach((code, i) => {
    if (code === NONE) return;
    const bin = Math.min(BINS - 1, Math.floor((code / NONE) * BINS));
    all[bin] += 1;
    if (chosen?.[i]) some[bin] += 1;
  });
  const holder = element("span", "scale");
  const bars = svg("svg", { viewBox: `0 0 ${BINS} 20`, preserveAspectRatio: "none", class: "bars", "aria-hidden": "true" });
  const draw = (counts, name) => {
    const most = Math.max(1, ...counts);
    counts.forEach((number, bin) => { if (number) bars.append(svg("rect", { class: name, x: bin, width: 1, y: 20 - 19 * Math.sqrt(number / most) - 1, height: 19 * Math.sqrt(number / most) + 1 })); });
  };
  draw(all, chosen ? "all pale" : "all");
  if (chosen) draw(some, "some");
  const strip = element("span", "strip");
  const stops = Array.from({ length: 17 }, (_, k) => `rgb(${palette.slice(4 * Math.round((k / 16) * 254), 4 * Math.round((k / 16) * 254) + 3).join(",")})`);
  strip.style.background = `linear-gradient(to right, ${stops.join(", ")})`;
  const middle = element("span", "middle");
  middle.append(bars, strip);
  holder.append(element("span", "end", format(data.low)), middle, element("span", "end", format(data.high)));
  holder.setAttribute("role", "img");
  holder.setAttribute("aria-label", `Colours from ${format(data.low)} to ${format(data.high)}`);
  holder.title = "Above the colours: how many points have each value (height: square root of the number).";
  return holder;
}
