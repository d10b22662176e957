
// What tables of rows have in common.

// Arrow keys, Home and End walk the rows' buttons or links, of which one is in the tab order.
function walk(event, stops) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const here = stops.indexOf(event.target);
  const moves = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: stops.length - 1 };
  if (here < 0 || !(event.key in moves)) return;
  event.preventDefault();
  const next = stops[moves[event.key]];
  if (!next) return;
  stops[here].tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

// Fills a heading with a button that sorts by it; `order` is what the table is sorted by, with - before it if falling.
function sortable(cell, column, order, state) {
  const chosen = order.replace("-", "") === column.order;
  const falling = order.startsWith("-");
  cell.setAttribute("aria-sort", !chosen ? "none" : falling ? "descending" : "ascending");
  const button = element("button", chosen ? "picked" : "", column.title);
  button.type = "button";
  button.title = column.help;
  button.dataset.order = column.order;
  button.append(element("span", "arrow", !chosen ? "" : falling ? "▼" : "▲"));
  button.addEventListener("click", () => state.send("sort", column.order));
  cell.append(button);
}

// Cells of a text and a small note under it.
function noted(cells) {
  return cells.map(([text, note]) => {
    const cell = element("td", "");
    cell.append(element("div", "", text));
    if (note) cell.append(element("div", "note", note));
    return cell;
  });
}

// The ends and the middle of an axis of shares, in percent.
function axis(low, high) {
  const holder = element("div", "axis");
  [low, (low + high) / 2, high].forEach((value) => holder.append(element("span", "", `${Math.round(value * 100)} %`)));
  return holder;
}
