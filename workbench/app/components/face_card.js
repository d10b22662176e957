// One face: its picture, label and prediction, probabilities as bars, facts, and its nearest neighbours.
// Everything is built with textContent: names and ids come from data and are never markup.

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".card");
  const state = (root.workbench ??= { signature: "" });
  state.send = setTriggerValue;
  const signature = JSON.stringify(data);
  if (signature === state.signature) return;
  state.signature = signature;
  const focused = root.getRootNode().activeElement?.dataset?.step;
  root.replaceChildren(top(state, data));
  if (data.concepts.length) root.append(element("h4", "", data.concepts_title), bars(data.concepts));
  if (data.neighbours.tiles.length) root.append(element("h4", "", data.neighbours_title), neighbours(state, data.neighbours));
  if (focused) root.querySelector(`[data-step="${focused}"]:not([disabled])`)?.focus();
  if (data.reveal) requestAnimationFrame(() => root.scrollIntoView({ block: "nearest" }));
}

function top(state, data) {
  const holder = element("div", "top");
  const left = element("div", "portrait");
  const image = element("img", "");
  image.src = data.image;
  image.alt = data.alt;
  const steps = element("div", "steps");
  steps.append(step(state, "‹ Previous", -1, data.first), step(state, "Next ›", 1, data.last));
  left.append(image, steps);
  const right = element("div", "");
  const verdict = element("div", "verdict");
  data.verdict.forEach((part) => {
    const node = element("span", part.colour ? "chip" : "muted", part.text);
    if (part.colour) node.style.setProperty("--colour", part.colour);
    verdict.append(node);
  });
  right.append(verdict);
  if (data.bars.length) right.append(bars(data.bars));
  const facts = element("dl", "facts");
  data.facts.forEach((fact) => {
    const name = element("dt", "", fact.name);
    if (fact.help) name.title = fact.help;
    const pair = element("div", "");
    pair.append(name, element("dd", "", fact.value));
    facts.append(pair);
  });
  right.append(facts);
  holder.append(left, right);
  return holder;
}

function step(state, text, change, disabled) {
  const button = element("button", "", text);
  button.type = "button";
  button.disabled = disabled;
  button.dataset.step = change;
  button.addEventListener("click", () => state.send("step", change));
  return button;
}

function bars(items) {
  const holder = element("div", "bars");
  items.forEach((item) => {
    const track = element("div", "track");
    const fill = element("div", "fill");
    fill.style.width = `${item.percent}%`;
    fill.style.setProperty("--colour", item.colour);
    track.append(fill);
    const name = element("div", item.strong ? "name strong" : "name", item.name);
    name.title = item.hint;
    holder.append(name, track, element("div", "value", item.text));
  });
  return holder;
}

function neighbours(state, near) {
  const holder = element("div", "near");
  near.tiles.forEach((tile, index) => {
    const button = element("button", "");
    button.type = "button";
    button.title = tile.hint;
    button.setAttribute("aria-label", tile.hint);
    button.style.setProperty("--colour", tile.colours[0]);
    const picture = cut(element("span", "picture"), near.sheet, near.sheet_columns, near.tiles.length, index);
    button.append(picture, element("span", "caption", tile.caption));
    button.addEventListener("click", () => state.send("pick", tile.row));
    holder.append(button);
  });
  return holder;
}
