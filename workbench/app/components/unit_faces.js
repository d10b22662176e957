// The top faces of a unit, large, with its activation maps over them where they are asked for.
// Everything is built with textContent: captions come from data and are never markup.

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".unitfaces");
  const state = (root.workbench ??= { signature: "", covers: [] });
  state.send = setTriggerValue;
  const signature = JSON.stringify([data.tiles, data.pictures]);
  if (signature !== state.signature) {
    state.signature = signature;
    build(root, state, data);
  }
  paint(root, state, data);
}

function build(root, state, data) {
  root.replaceChildren();
  state.covers = [];
  root.style.setProperty("--columns", Math.min(10, Math.max(5, data.tiles.length)));
  data.tiles.forEach((tile, index) => {
    const button = element("button", "");
    button.type = "button";
    button.title = tile.hint;
    button.setAttribute("aria-label", tile.hint);
    button.dataset.row = tile.row;
    const picture = element("span", "picture");
    picture.style.backgroundImage = `url("${data.pictures[index]}")`;
    const cover = element("span", "cover");
    picture.append(cover);
    state.covers.push(cover);
    const line = element("span", "line");
    tile.colours.forEach((colour) => {
      const part = element("i", "");
      part.style.background = colour;
      line.append(part);
    });
    const caption = element("span", "caption");
    caption.append(element("span", "name", tile.caption), element("span", "value", tile.value));
    button.append(picture, line, caption);
    button.addEventListener("click", () => state.send("pick", tile.row));
    root.append(button);
  });
}

function paint(root, state, data) {
  const last = Math.max(1, data.tiles.length - 1);
  state.covers.forEach((cover, index) => {
    cover.style.backgroundImage = data.maps ? `url("${data.maps}")` : "none";
    cover.style.backgroundSize = `${data.tiles.length * 100}% 100%`;
    cover.style.backgroundPosition = `${(index / last) * 100}% 0`;
  });
  root.dataset.maps = "";
  if (!data.maps) return;
  const image = new Image();
  image.onload = () => { root.dataset.maps = data.maps; };
  image.src = data.maps;
}
