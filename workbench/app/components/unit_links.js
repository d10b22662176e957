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
  const first = index * data.pictures;
  const all = data.items.length * data.pictures;
  for (let place = first; place < first + data.pictures; place += 1) {
    strip.append(cut(element("span", "picture"), data.sheet, data.sheet_columns, all, place));
  }
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
