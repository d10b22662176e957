
// What every component has at hand.

// A node with a class and text; the text is never markup.
function element(tag, name, text) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined && text !== null) node.textContent = text;
  return node;
}

// Shows one picture of a sheet of equal squares as a node's background: the one at `place` of `count`, `columns` a row.
function cut(node, sheet, columns, count, place) {
  const rows = Math.ceil(count / columns);
  const across = ((place % columns) / Math.max(1, columns - 1)) * 100;
  const down = (Math.floor(place / columns) / Math.max(1, rows - 1)) * 100;
  node.style.backgroundImage = `url("${sheet}")`;
  node.style.backgroundSize = `${columns * 100}% ${rows * 100}%`;
  node.style.backgroundPosition = `${across}% ${down}%`;
  return node;
}
