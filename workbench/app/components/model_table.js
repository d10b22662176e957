// A table of classifiers. Headings sort; a row is chosen by a click, or by walking with the arrow keys and Enter.
// Everything is built with textContent: names of classifiers come from data and are never markup.

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
  if (fresh) show(root, root.querySelector("tr.chosen"));
}

function build(root, state, data) {
  const place = root.scrollTop;
  root.classList.toggle("whole", data.whole);
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
  root.append(table);
  root.onkeydown = (event) => walk(event, state.buttons);
  root.scrollTop = place;
}

// The chosen row is in the part of a long table that is seen.
function show(root, row) {
  if (row && root.scrollHeight > root.clientHeight) root.scrollTop = row.offsetTop - root.clientHeight / 2;
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
  const place = (value) => `${((value - data.low) / (data.high - data.low)) * 100}%`;
  const span = element("div", "span");
  span.style.left = place(row.low);
  span.style.width = `calc(${place(row.high)} - ${place(row.low)})`;
  const dot = element("div", "dot");
  dot.style.left = place(row.value);
  track.append(span, dot);
  const percent = (value) => `${(value * 100).toFixed(1)} %`;
  holder.title = `${percent(row.value)} right (${percent(row.low)} to ${percent(row.high)})`;
  if (row.other !== null) {
    const ring = element("div", "ring");
    ring.style.left = place(row.other);
    track.append(ring);
    holder.title += `; without copies of training images ${percent(row.other)}`;
  }
  holder.append(track);
  return holder;
}
