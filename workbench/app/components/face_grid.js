// A grid of faces cut from one sheet image. Arrow keys walk, Enter or a click picks, Page Up and Page Down turn pages.
// Everything is built with textContent: captions come from data and are never markup.

const KEYS = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down", Home: "home", End: "end" };
const PAUSE = 140; // ms between the last arrow key and the pick, so that a held key does not flood the server

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".faces");
  const state = (root.workbench ??= { signature: "", buttons: [] });
  state.send = setTriggerValue;
  state.data = data;
  const signature = JSON.stringify([data.sheet, data.tiles, data.tile, data.height, data.empty]);
  if (signature !== state.signature) {
    state.signature = signature;
    build(root, state);
  }
  mark(state, data.selected, false);
}

function build(root, state) {
  const { data } = state;
  const held = root.contains(root.getRootNode().activeElement);
  root.replaceChildren();
  state.buttons = [];
  root.style.setProperty("--tile", `${data.tile}px`);
  const scroll = element("div", "scroll");
  if (data.height) scroll.style.maxHeight = `${data.height}px`;
  root.append(scroll);
  if (data.tiles.length === 0) {
    scroll.append(element("div", "empty", data.empty));
    root.dataset.shown = "";
    return;
  }
  let group = null;
  let tiles = null;
  data.tiles.forEach((tile, index) => {
    if (tiles === null || tile.group !== group) {
      group = tile.group;
      tiles = element("div", "tiles");
      scroll.append(group ? cluster(tile, tiles) : tiles);
    }
    const button = makeTile(tile, index, data);
    button.addEventListener("click", () => pick(state, index, 0));
    state.buttons.push(button);
    tiles.append(button);
  });
  root.onkeydown = (event) => onKey(event, state);
  announce(root, data.sheet);
  if (held) state.refocus = true;
}

function cluster(tile, tiles) {
  const holder = element("section", "cluster");
  const heading = element("div", "heading", tile.group);
  if (tile.group_note) heading.append(element("span", "", tile.group_note));
  holder.append(heading, tiles);
  return holder;
}

function makeTile(tile, index, data) {
  const button = element("button", "");
  button.type = "button";
  button.tabIndex = -1;
  button.title = tile.hint;
  button.setAttribute("aria-label", tile.hint);
  button.dataset.row = tile.row;
  const picture = cut(element("span", "picture"), data.sheet, data.sheet_columns, data.tiles.length, index);
  const caption = element("span", "caption");
  caption.append(element("span", "name", tile.caption), element("span", "value", tile.value));
  button.append(picture, line(tile.colours), caption);
  if (tile.remark) button.append(element("span", "remark", tile.remark));
  return button;
}

function line(colours) {
  const holder = element("span", "line");
  colours.forEach((colour) => {
    const part = element("i", "");
    part.style.background = colour;
    holder.append(part);
  });
  return holder;
}

// Sets data-shown once the sheet has been decoded, so that "the faces are on the screen" can be observed.
function announce(root, sheet) {
  const image = new Image();
  image.onload = () => requestAnimationFrame(() => { root.dataset.shown = sheet; });
  image.src = sheet;
}

function onKey(event, state) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "PageDown" || event.key === "PageUp") {
    event.preventDefault();
    state.send("turn", event.key === "PageDown" ? 1 : -1);
    return;
  }
  const move = KEYS[event.key];
  if (!move) return;
  event.preventDefault();
  const here = state.buttons.indexOf(event.target);
  const last = state.buttons.length - 1;
  const wide = perRow(state.buttons);
  const steps = { left: here - 1, right: here + 1, up: here - wide, down: here + wide, home: 0, end: last };
  const next = Math.min(last, Math.max(0, steps[move]));
  state.buttons[next].focus();
  pick(state, next, PAUSE);
}

function perRow(buttons) {
  const top = buttons[0].offsetTop;
  const next = buttons.findIndex((button) => button.offsetTop !== top);
  return next < 0 ? buttons.length : next;
}

function pick(state, index, pause) {
  const row = state.data.tiles[index].row;
  mark(state, row, true);
  clearTimeout(state.timer);
  state.timer = setTimeout(() => state.send("pick", row), pause);
}

// Brings a tile into view; a grid that scrolls by itself leaves the page where it is.
function reveal(button) {
  const box = button.closest(".scroll");
  if (!box.style.maxHeight) {
    button.scrollIntoView({ block: "nearest" });
    return;
  }
  const [own, frame] = [button.getBoundingClientRect(), box.getBoundingClientRect()];
  box.scrollTop += Math.min(0, own.top - frame.top) + Math.max(0, own.bottom - frame.bottom);
}

function mark(state, selected, local) {
  let current = state.data.tiles.findIndex((tile) => tile.row === selected);
  state.buttons.forEach((button, index) => {
    button.tabIndex = index === Math.max(0, current) ? 0 : -1;
    if (index === current) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  });
  if (!local && state.refocus && state.buttons.length) {
    state.refocus = false;
    state.buttons[Math.max(0, current)].focus({ preventScroll: true });
  }
  if (!local && current >= 0) reveal(state.buttons[current]);
}
