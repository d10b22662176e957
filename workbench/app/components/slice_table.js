// A table of slices. A row opens its faces: click it, or walk with the arrow keys and press Enter.
// Everything is built with textContent: names of slices come from data and are never markup.

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".slices");
  const state = (root.workbench ??= { signature: "", buttons: [] });
  state.send = setTriggerValue;
  const signature = JSON.stringify(data);
  if (signature === state.signature) return;
  state.signature = signature;
  const held = state.buttons.indexOf(root.getRootNode().activeElement);
  build(root, state, data);
  if (held >= 0) state.buttons[Math.min(held, state.buttons.length - 1)]?.focus({ preventScroll: true });
}

function build(root, state, data) {
  root.replaceChildren();
  state.buttons = [];
  const table = element("table", "");
  table.setAttribute("aria-label", "Slices");
  const head = element("tr", "");
  data.columns.forEach((column, place) => {
    const cell = element("th", place < 3 ? "left" : "", column.title);
    cell.scope = "col";
    cell.title = column.help;
    if (place === 0) cell.style.width = `${data.pictures * 38 + 8}px`;
    else cell.className += place === 1 ? " name" : place === 2 ? " plot" : "";
    if (place === 2) cell.append(axis(0, data.top));
    head.append(cell);
  });
  const top = element("thead", "");
  top.append(head);
  const body = element("tbody", "");
  data.rows.forEach((row, index) => body.append(line(state, data, row, index)));
  table.append(top, body);
  root.append(table);
  shorten(root, top, data.opened === null ? null : body.children[data.opened]);
  root.onkeydown = (event) => walk(event, state.buttons);
  const image = new Image();
  image.onload = () => requestAnimationFrame(() => { root.dataset.shown = data.sheet; });
  image.src = data.sheet;
}

// While a slice is open the table takes little room, so that its faces are seen too; the opened row stays in view.
function shorten(root, head, opened) {
  root.classList.toggle("short", opened !== null);
  if (opened) root.scrollTop += opened.getBoundingClientRect().top - head.getBoundingClientRect().bottom - 30;
}

function line(state, data, row, index) {
  const holder = element("tr", index === data.opened ? "opened" : "");
  const pictures = element("td", "pictures");
  const strip = element("div", "strip");
  for (let place = index * data.pictures; place < (index + 1) * data.pictures; place += 1) {
    strip.append(cut(element("span", "picture"), data.sheet, data.sheet_columns, data.rows.length * data.pictures, place));
  }
  pictures.append(strip);
  const name = element("td", "left");
  const button = element("button", "", row.name);
  button.type = "button";
  button.setAttribute("aria-label", row.words);
  button.setAttribute("aria-pressed", String(index === data.opened));
  button.tabIndex = index === (data.opened ?? 0) ? 0 : -1;
  state.buttons.push(button);
  name.append(button, element("div", "note", row.note));
  name.title = row.name;
  holder.append(pictures, name, plot(data, row), ...noted(row.cells));
  holder.addEventListener("click", () => state.send("open", index));
  return holder;
}

function plot(data, row) {
  const holder = element("td", `plot ${row.verdict}`);
  const track = element("div", "track");
  const place = (value) => `${(Math.min(value, data.top) / data.top) * 100}%`;
  const bar = element("div", "bar");
  bar.style.width = place(row.rate);
  const span = element("div", "span");
  span.style.left = place(row.low);
  span.style.width = `calc(${place(row.high)} - ${place(row.low)})`;
  const dot = element("div", "dot");
  dot.style.left = place(row.rate);
  const rest = element("div", "rest");
  rest.style.left = place(row.rest);
  track.append(bar, span, dot, rest);
  holder.append(track);
  const percent = (value) => `${(value * 100).toFixed(1)} %`;
  holder.title = `${percent(row.rate)} wrong (95 % interval ${percent(row.low)} to ${percent(row.high)}); the rest ${percent(row.rest)}`;
  return holder;
}
