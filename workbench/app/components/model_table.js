// A table of classifiers. Headings sort; a row is chosen by a click, or by walking with the arrow keys and Enter.
// Everything is built with textContent: names of classifiers come from data and are never markup.

const TALLEST = 396; // pixels of a table that scrolls

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".models");
  const state = (root.workbench ??= { signature: "", buttons: [] });
  state.send = setTriggerValue;
  const signature = JSON.stringify(data);
  if (signature === state.signature) return;
  const fresh = state.signature === "";
  state.signature = signature;
  const active = root.getRootNode().activeElement;
  const held = root.contains(active) ? active.dataset.order ?? active.dataset.model : null;
  build(root, state, data);
  if (held) [...root.querySelectorAll("button")].find((each) => held === (each.dataset.order ?? each.dataset.model))?.focus({ preventScroll: true });
  if (fresh && data.show) show(root.querySelector(".scroller"), root.querySelector("tr.chosen"));
}

function build(root, state, data) {
  const place = root.querySelector(".scroller")?.scrollTop ?? 0;
  root.replaceChildren();
  state.buttons = [];
  const table = element("table", "");
  table.setAttribute("aria-label", "Classifiers");
  const head = element("thead", "");
  head.append(headings(state, data));
  const body = element("tbody", "");
  data.rows.forEach((row) => body.append(line(state, data, row)));
  const first = state.buttons.find((button) => button.dataset.model === data.chosen) ?? state.buttons[0];
  if (first) first.tabIndex = 0;
  table.append(head, body);
  const scroller = element("div", "scroller");
  scroller.append(table);
  root.append(scroller, legend(data));
  root.onkeydown = (event) => walk(event, state.buttons);
  trim(scroller, data.whole);
  state.watch?.disconnect();
  state.watch = new ResizeObserver(() => trim(scroller, data.whole));
  state.watch.observe(table);
  scroller.scrollTop = place;
}

// A long table ends below a row, not within one.
function trim(scroller, whole) {
  const ends = [...scroller.querySelectorAll("tr")].map((row) => row.offsetTop + row.offsetHeight);
  const fitting = ends.filter((end) => end <= TALLEST);
  scroller.style.maxHeight = whole || fitting.length === ends.length ? "none" : `${Math.max(...fitting)}px`;
}

// The chosen row is in the part of a long table that is seen.
function show(scroller, row) {
  if (row && row.offsetTop + row.offsetHeight > scroller.clientHeight) scroller.scrollTop = row.offsetTop - scroller.clientHeight / 2;
}

function headings(state, data) {
  const holder = element("tr", "");
  data.columns.forEach((column, place) => {
    const cell = element("th", place === 0 ? "left name" : place === 1 ? "left plot" : "");
    cell.scope = "col";
    cell.style.setProperty("--width", column.width ? `${column.width}px` : "auto");
    if (column.order) {
      sortable(cell, column, data.order, state);
    } else {
      cell.textContent = column.title;
      cell.title = column.help;
    }
    if (place === 1) cell.append(axis(data.low, data.high));
    holder.append(cell);
  });
  return holder;
}

function line(state, data, row) {
  const chosen = row.model === data.chosen && !row.group;
  const holder = element("tr", `${chosen ? "chosen" : ""}${row.inside ? " inside" : ""}${row.muted ? " muted" : ""}`);
  const name = element("td", "left");
  const button = element("button", "", row.name);
  button.type = "button";
  button.dataset.model = row.group ? `group of ${row.model}` : row.model;
  button.setAttribute("aria-label", row.words);
  button.setAttribute("aria-pressed", String(chosen));
  button.tabIndex = -1;
  state.buttons.push(button);
  name.append(button, element("div", "note", row.note));
  name.title = row.hint || `${row.name}, ${row.note}`;
  holder.append(name, plot(data, row), ...noted(row.cells));
  holder.addEventListener("click", () => state.send("choose", row.model));
  return holder;
}

function plot(data, row) {
  const holder = element("td", "plot");
  const track = element("div", "track");
  const place = (value) => `${Math.max(0, ((value - data.low) / (data.high - data.low)) * 100)}%`;
  const span = element("div", "span");
  span.style.left = place(row.low);
  span.style.width = `calc(${place(row.high)} - ${place(row.low)})`;
  const dot = element("div", "dot");
  dot.style.left = place(row.value);
  const below = row.value < data.low;
  if (row.high > data.low) track.append(span);
  track.append(below ? element("div", "below") : dot);
  const percent = (value) => `${(value * 100).toFixed(1)} %`;
  holder.title = `${percent(row.value)} right (${percent(row.low)} to ${percent(row.high)})`;
  if (row.other !== null) {
    const ring = element("div", "ring");
    ring.style.left = place(row.other);
    if (row.other >= data.low) track.append(ring);
    holder.title += `; without copies of training images ${percent(row.other)}`;
  }
  holder.append(track);
  return holder;
}

// What the signs of the plots mean, where they occur.
function legend(data) {
  const holder = element("div", "legend note");
  const sign = (name, words) => {
    const mark = element("span", `track ${name}`);
    if (name === "mean") mark.append(element("span", "span"), element("span", "dot"));
    else mark.append(element("span", name === "arrow" ? "below" : "ring"));
    holder.append(mark, element("span", "", words));
  };
  if (data.rows.length) sign("mean", `accuracy with its 95 % interval${data.rows.some((row) => row.group) ? "; of several seeds the mean with their range" : ""}`);
  if (data.rows.some((row) => row.other !== null)) sign("other", "without copies of training images");
  if (data.rows.some((row) => row.value < data.low)) sign("arrow", "below the axis");
  return holder;
}
