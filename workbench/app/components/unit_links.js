// A short list of units as links: name, label, a value as a bar, and the faces the unit is most active on.
// Everything is built with textContent: concepts and layers come from data and are never markup.

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".unitlinks");
  const state = (root.workbench ??= { signature: "" });
  state.send = setTriggerValue;
  const signature = JSON.stringify(data);
  if (signature === state.signature) return;
  state.signature = signature;
  root.replaceChildren();
  data.items.forEach((item, index) => root.append(draw(state, data, item, index)));
}

function draw(state, data, item, index) {
  const link = element("a", "item");
  link.href = item.link;
  link.title = item.hint;
  link.setAttribute("aria-label", item.hint);
  link.dataset.unit = item.unit;
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    state.send("open", item.unit);
  });
  const strip = element("span", "strip");
  for (let place = 0; place < data.pictures; place += 1) strip.append(picture(data, index * data.pictures + place));
  const words = element("span", "words");
  const label = element("span", item.muted ? "label muted" : "label");
  item.colours.forEach((colour) => {
    const dot = element("i", "dot");
    dot.style.background = colour;
    label.append(dot);
  });
  label.append(item.label);
  words.append(label, element("span", "unit", item.unit));
  const track = element("span", "track");
  const fill = element("span", "fill");
  fill.style.width = `${Math.round(item.share * 100)}%`;
  track.append(fill);
  link.append(strip, words, track, element("span", "value", item.value));
  return link;
}

function picture(data, place) {
  const node = element("span", "picture");
  const columns = data.sheet_columns;
  const rows = Math.ceil((data.items.length * data.pictures) / columns);
  const across = ((place % columns) / (columns - 1)) * 100;
  const down = (Math.floor(place / columns) / Math.max(1, rows - 1)) * 100;
  node.style.backgroundImage = `url("${data.sheet}")`;
  node.style.backgroundSize = `${columns * 100}% ${rows * 100}%`;
  node.style.backgroundPosition = `${across}% ${down}%`;
  return node;
}

function element(tag, name, text) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined && text !== null) node.textContent = text;
  return node;
}
