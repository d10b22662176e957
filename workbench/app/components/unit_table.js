// A table of units. Headings sort; a row is a link that opens its unit: arrow keys walk, Enter opens, Page Up and Page Down turn.
// Everything is built with textContent: concepts and layers come from data and are never markup.

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".units");
  const state = (root.workbench ??= { signature: "", links: [] });
  state.send = setTriggerValue;
  const signature = JSON.stringify(data);
  if (signature === state.signature) return;
  const fresh = state.signature === "";
  state.signature = signature;
  const active = root.getRootNode().activeElement;
  const held = root.contains(active) ? active.dataset.order ?? "row" : null;
  build(root, state, data);
  if (held === "row") state.links[0]?.focus({ preventScroll: true });
  else if (fresh) returnTo(state, data.opened);
  else if (held) root.querySelector(`[data-order="${held}"]`)?.focus({ preventScroll: true });
}

function build(root, state, data) {
  root.replaceChildren();
  state.links = [];
  const table = element("table", "");
  table.setAttribute("aria-label", "Units");
  const head = element("thead", "");
  head.append(headings(state, data));
  const body = element("tbody", "");
  data.rows.forEach((row, index) => body.append(line(state, data, row, index)));
  table.append(head, body);
  root.append(table);
  if (!data.rows.length) root.append(element("div", "empty", data.empty));
  root.onkeydown = (event) => onKey(event, state);
  announce(root, data);
}

// Back from a unit's page: its row is where one was.
function returnTo(state, unit) {
  const link = state.links.find((candidate) => candidate.dataset.unit === unit);
  if (!link) return;
  link.focus({ preventScroll: true });
  link.closest("tr").scrollIntoView({ block: "center" });
}

function headings(state, data) {
  const holder = element("tr", "");
  const pictures = element("th", "left", "Top faces");
  pictures.title = "The probing images on which the unit is most active, the most active first.";
  pictures.style.width = `${data.pictures * 38 + 8}px`;
  holder.append(pictures);
  data.columns.forEach((column) => {
    const cell = element("th", column.right ? "" : "left");
    cell.scope = "col";
    cell.style.width = column.width;
    sortable(cell, column, data.order, state);
    holder.append(cell);
  });
  return holder;
}

function line(state, data, row, index) {
  const holder = element("tr", row.unit === data.opened ? "opened" : "");
  const pictures = element("td", "pictures");
  const link = element("a", "strip");
  link.href = row.link;
  link.setAttribute("aria-label", row.words);
  link.dataset.unit = row.unit;
  link.tabIndex = index ? -1 : 0;
  const first = index * data.pictures;
  const all = data.rows.length * data.pictures;
  for (let place = first; place < first + data.pictures; place += 1) {
    link.append(cut(element("span", "picture"), data.sheet, data.sheet_columns, all, place));
  }
  pictures.append(link);
  holder.append(pictures);
  row.cells.forEach((cell, place) => holder.append(draw(cell, data.columns[place])));
  state.links.push(link);
  holder.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    state.send("open", row.unit);
  });
  return holder;
}

function draw(cell, column) {
  const holder = element("td", `${column.right ? "" : "left"}${cell.muted ? " muted" : ""}`);
  if (cell.hint) holder.title = cell.hint;
  const text = element("div", column.order === "label" && !cell.note ? "text wide" : "text");
  cell.colours.forEach((colour) => {
    const dot = element("i", "dot");
    dot.style.background = colour;
    text.append(dot);
  });
  text.append(element("span", "", cell.text));
  holder.append(text);
  if (cell.note) holder.append(element("div", "note", cell.note));
  if (cell.share !== null) {
    const track = element("div", "track");
    const fill = element("div", "fill");
    fill.style.width = `${Math.round(cell.share * 100)}%`;
    track.append(fill);
    holder.append(track);
  }
  return holder;
}

// Sets data-shown once the sheet has been decoded, so that "the units are on the screen" can be observed.
function announce(root, data) {
  const mark = `${data.order} ${data.rows.length ? data.rows[0].unit : ""} ${data.sheet}`;
  if (!data.sheet) {
    root.dataset.shown = mark;
    return;
  }
  const image = new Image();
  image.onload = () => requestAnimationFrame(() => { root.dataset.shown = mark; });
  image.src = data.sheet;
}

function onKey(event, state) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "PageDown" || event.key === "PageUp") {
    event.preventDefault();
    state.send("turn", event.key === "PageDown" ? 1 : -1);
    return;
  }
  walk(event, state.links);
}
