// A confusion matrix as a table of buttons: arrow keys walk, Enter or a click picks a cell; the headings pick a whole row or column.
// Everything is built with textContent: names come from data and are never markup.

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".matrix");
  const state = (root.workbench ??= { signature: "", cells: [] });
  state.send = setTriggerValue;
  const signature = JSON.stringify([data.rows, data.columns, data.counts]);
  if (signature !== state.signature) {
    state.signature = signature;
    build(root, state, data);
  }
  mark(state, data.selected);
}

function build(root, state, data) {
  root.replaceChildren();
  state.cells = [];
  root.style.maxHeight = data.max_height ? `${data.max_height}px` : "";
  root.classList.toggle("long", data.max_height > 0);
  root.style.setProperty("--cell", `${data.cell_height}px`);
  root.style.setProperty("--side", `${data.side_width}rem`);
  const table = element("table", "");
  table.setAttribute("role", "grid");
  table.setAttribute("aria-label", data.name);
  table.append(element("caption", "", data.explanation));
  const head = element("thead", "");
  const axis = element("tr", "");
  axis.append(element("th", "side"), spanning(element("th", "axis", data.column_axis), data.columns.length), element("th", "total"));
  const names = element("tr", "");
  names.append(element("th", "side axis", data.row_axis));
  state.heads = [];
  data.columns.forEach((column, j) => names.append(heading(state, "column", column, data.colours[j], null, j)));
  names.append(element("th", "total", "all"));
  head.append(axis, names);
  const body = element("tbody", "");
  data.rows.forEach((name, i) => {
    const line = element("tr", "");
    line.append(heading(state, "side", name, data.row_colours[i], i, null));
    const cells = data.columns.map((column, j) => {
      const holder = makeCell(state, data, i, j);
      line.append(holder);
      return holder.firstChild;
    });
    state.cells.push(cells);
    line.append(element("td", "total", data.totals[i]));
    body.append(line);
  });
  table.append(head, body);
  root.append(table);
  root.onkeydown = (event) => onKey(event, state);
}

function heading(state, kind, name, colour, i, j) {
  const holder = element("th", kind);
  holder.scope = kind === "side" ? "row" : "col";
  const button = element("button", "", name);
  button.type = "button";
  button.tabIndex = -1;
  button.title = name;
  button.style.setProperty("--colour", colour);
  button.addEventListener("click", () => choose(state, i, j));
  holder.append(button);
  state.heads.push({ button, i, j });
  return holder;
}

function makeCell(state, data, i, j) {
  const cell = data.counts[i][j];
  const holder = element("td", `${data.agree[i][j] ? "agree" : "differ"}${cell.count === "0" ? " zero" : ""}`);
  const button = element("button", "");
  button.type = "button";
  button.tabIndex = -1;
  button.title = cell.hint;
  button.setAttribute("aria-label", cell.hint);
  button.style.setProperty("--heat", `${cell.heat}%`);
  button.style.setProperty("--ink", cell.heat > 55 ? "#fff" : "inherit");
  button.append(element("span", "count", cell.count), element("span", "share", cell.share));
  button.addEventListener("click", () => choose(state, i, j));
  holder.append(button);
  return holder;
}

function choose(state, i, j) {
  mark(state, { row: i, column: j });
  state.send("pick", { row: i, column: j });
}

function spanning(node, columns) {
  node.colSpan = columns;
  return node;
}

// The walkable grid: headings of the columns on top, the heading of each row before its cells.
function grid(state) {
  const columns = state.heads.filter((head) => head.i === null).map((head) => head.button);
  const sides = state.heads.filter((head) => head.j === null).map((head) => head.button);
  return [[undefined, ...columns], ...state.cells.map((row, i) => [sides[i], ...row])];
}

function onKey(event, state) {
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const move = moves[event.key];
  if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
  const buttons = grid(state);
  const i = buttons.findIndex((row) => row.includes(event.target));
  if (i < 0) return;
  event.preventDefault();
  const j = buttons[i].indexOf(event.target);
  const next = buttons[i + move[0]]?.[j + move[1]];
  if (next) {
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }
}

// The button in reach of Tab is the chosen one, else the first cell.
function mark(state, selected) {
  const places = [...state.heads];
  state.cells.forEach((row, i) => row.forEach((button, j) => places.push({ button, i, j })));
  let reachable = state.cells[0]?.[0];
  places.forEach(({ button, i, j }) => {
    const chosen = selected !== null && selected.row === i && selected.column === j;
    button.setAttribute("aria-pressed", chosen ? "true" : "false");
    button.tabIndex = -1;
    if (chosen) reachable = button;
  });
  if (reachable) reachable.tabIndex = 0;
}
