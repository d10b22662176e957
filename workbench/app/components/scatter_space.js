// Where things are: the packed points, the camera, what lies under the pointer, and what a lasso holds.

const LEVELS = 36 ** 4 - 1; // steps of a coordinate in text: four digits of base 36
const NONE = 255; // code of a point without class or value
const MARGIN = 0.92; // share of the stage that the points fill at zoom 1
const MANY = 1000; // of so many points a few far ones need not be seen at first
const FAR = 0.001; // share of points beyond what is seen at first, on each side
const ZOOMS = [0.2, 200];
const CORNERS = 48; // the most corners of a lasso

// Reads the packed points: x and y of each as float32, then each one's row in its dataset as int32.
function unpack(buffer, count) {
  const places = new Float32Array(buffer, 0, 2 * count);
  const rows = new Int32Array(buffer, 8 * count, count);
  let [left, bottom, right, top] = count ? [Infinity, Infinity, -Infinity, -Infinity] : [0, 0, 0, 0];
  for (let i = 0; i < count; i += 1) {
    left = Math.min(left, places[2 * i]);
    right = Math.max(right, places[2 * i]);
    bottom = Math.min(bottom, places[2 * i + 1]);
    top = Math.max(top, places[2 * i + 1]);
  }
  const side = 1.5 * Math.max(right - left, top - bottom) || 1;
  const space = { count, places, rows, left, right, bottom, top, seen: seenSpan(places, count, [left, right, bottom, top]) };
  Object.assign(space, { side, x0: (left + right) / 2 - side / 2, y0: (bottom + top) / 2 - side / 2 });
  space.grid = makeGrid(space);
  return space;
}

// What "the whole map" shows: of many points all but a few far away, which else would leave the others no room.
function seenSpan(places, count, whole) {
  if (count < MANY) return whole;
  const inner = (offset, low, high) => {
    const sorted = Float32Array.from({ length: count }, (_, i) => places[2 * i + offset]).sort();
    const [first, last] = [sorted[Math.floor(count * FAR)], sorted[Math.ceil(count * (1 - FAR)) - 1]];
    const room = 0.06 * (last - first);
    return [Math.max(low, first - room), Math.min(high, last + room)];
  };
  return [...inner(0, whole[0], whole[1]), ...inner(1, whole[2], whole[3])];
}

// Points by the square they lie in, about four a square.
function makeGrid({ count, places, x0, y0, side }) {
  const across = Math.max(1, Math.min(1024, Math.round(1.5 * Math.sqrt(count / 4))));
  const starts = new Uint32Array(across * across + 1);
  const square = (i) => {
    const x = Math.min(across - 1, Math.floor(((places[2 * i] - x0) / side) * across));
    const y = Math.min(across - 1, Math.floor(((places[2 * i + 1] - y0) / side) * across));
    return y * across + x;
  };
  for (let i = 0; i < count; i += 1) starts[square(i) + 1] += 1;
  for (let k = 0; k < across * across; k += 1) starts[k + 1] += starts[k];
  const fill = starts.slice();
  const points = new Uint32Array(count);
  for (let i = 0; i < count; i += 1) points[fill[square(i)]++] = i;
  return { across, starts, points };
}

// The view: pixel = (data - middle) * scale + half of the stage, with y upward.
function viewOf(state) {
  const { space, camera } = state;
  const wide = state.wide || state.stage.clientWidth;
  const high = state.high || state.stage.clientHeight;
  const scale = camera.zoom * fit(space, wide, high);
  return { x: camera.x, y: camera.y, scale, wide, high };
}

function fit(space, wide, high) {
  const [left, right, bottom, top] = space.seen;
  if (right === left && top === bottom) return MARGIN * Math.min(wide, high);
  return MARGIN * Math.min(wide / (right - left || 1e-9), high / (top - bottom || 1e-9));
}

function toPixel(view, x, y) {
  return [(x - view.x) * view.scale + view.wide / 2, view.high / 2 - (y - view.y) * view.scale];
}

function toData(view, left, top) {
  return [(left - view.wide / 2) / view.scale + view.x, (view.high / 2 - top) / view.scale + view.y];
}

function wholeCamera(space) {
  const [left, right, bottom, top] = space.seen;
  return { x: (left + right) / 2, y: (bottom + top) / 2, zoom: 1 };
}

// A camera as text: its place in eight digits and its zoom; empty for the whole map.
function cameraText(state) {
  const { camera, space } = state;
  const whole = wholeCamera(space);
  if (camera.zoom === 1 && camera.x === whole.x && camera.y === whole.y) return "";
  return `${digits(level(camera.x, space.x0, space.side))}${digits(level(camera.y, space.y0, space.side))}~${camera.zoom.toFixed(3)}`;
}

function readCamera(state, text) {
  const { space } = state;
  const found = /^([0-9a-z]{4})([0-9a-z]{4})~(\d{1,3}(?:\.\d{1,3})?)$/.exec(text);
  if (!found) return wholeCamera(space);
  const zoom = Math.min(ZOOMS[1], Math.max(ZOOMS[0], Number(found[3])));
  const place = (word, start) => start + (parseInt(word, 36) / LEVELS) * space.side;
  return { x: place(found[1], space.x0), y: place(found[2], space.y0), zoom };
}

function level(value, start, side) {
  return Math.min(LEVELS, Math.max(0, Math.round(((value - start) / side) * LEVELS)));
}

function digits(number) {
  return number.toString(36).padStart(4, "0");
}

// The visible point nearest to a pixel, within `reach` pixels; -1 for none.
function nearestPoint(state, left, top, reach) {
  const { space, visible } = state;
  const view = viewOf(state);
  const [x, y] = toData(view, left, top);
  const { across, starts, points } = space.grid;
  const limit = reach / view.scale;
  const square = (value, start) => Math.min(across - 1, Math.max(0, Math.floor(((value - start) / space.side) * across)));
  let best = -1;
  let distance = limit * limit;
  for (let row = square(y - limit, space.y0); row <= square(y + limit, space.y0); row += 1) {
    for (let column = square(x - limit, space.x0); column <= square(x + limit, space.x0); column += 1) {
      const place = row * across + column;
      for (let k = starts[place]; k < starts[place + 1]; k += 1) {
        const i = points[k];
        const far = (space.places[2 * i] - x) ** 2 + (space.places[2 * i + 1] - y) ** 2;
        if (far < distance && (!visible || visible[i])) [best, distance] = [i, far];
      }
    }
  }
  return best;
}

// A drawn line as text: eight digits a corner. Corners that hardly matter are left out.
function lassoText(state, line) {
  const { space } = state;
  const view = viewOf(state);
  let kept = line;
  for (let tolerance = 1; kept.length > CORNERS; tolerance *= 1.5) kept = simplified(line, tolerance);
  return kept.map(([left, top]) => {
    const [x, y] = toData(view, left, top);
    return digits(level(x, space.x0, space.side)) + digits(level(y, space.y0, space.side));
  }).join("");
}

// Ramer, Douglas and Peucker: keeps the corner farthest from the chord where it is far enough, on both sides again.
function simplified(line, tolerance) {
  const keep = new Uint8Array(line.length);
  keep[0] = keep[line.length - 1] = 1;
  const open = [[0, line.length - 1]];
  while (open.length) {
    const [first, last] = open.pop();
    const [x1, y1] = line[first];
    const [x2, y2] = line[last];
    const length = Math.hypot(x2 - x1, y2 - y1);
    let [worst, far] = [-1, tolerance];
    for (let i = first + 1; i < last; i += 1) {
      const [x, y] = line[i];
      const off = length ? Math.abs((x2 - x1) * (y1 - y) - (x1 - x) * (y2 - y1)) / length : Math.hypot(x - x1, y - y1);
      if (off > far) [worst, far] = [i, off];
    }
    if (worst > 0) {
      keep[worst] = 1;
      open.push([first, worst], [worst, last]);
    }
  }
  return line.filter((_, i) => keep[i]);
}

function readLasso(text) {
  return text.split(".").map((word) => {
    const sign = word.startsWith("-") ? 0 : 1;
    const figures = sign ? word : word.slice(1);
    const corners = [];
    for (let k = 0; k + 8 <= figures.length; k += 8) corners.push([parseInt(figures.slice(k, k + 4), 36), parseInt(figures.slice(k + 4, k + 8), 36)]);
    return { sign, corners };
  });
}

// Which points a lasso's parts hold, one after the other; the same arithmetic as workbench.app.lasso.
function insideLasso(space, text, visible) {
  const chosen = new Uint8Array(space.count);
  const factor = LEVELS / space.side;
  readLasso(text).forEach(({ sign, corners }) => {
    const xs = corners.map(([x]) => x);
    const ys = corners.map(([, y]) => y);
    const box = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    for (let i = 0; i < space.count; i += 1) {
      if (visible && !visible[i]) continue;
      const x = (space.places[2 * i] - space.x0) * factor;
      const y = (space.places[2 * i + 1] - space.y0) * factor;
      if (x < box[0] || x > box[1] || y < box[2] || y > box[3]) continue;
      let inside = 0;
      for (let k = 0, j = corners.length - 1; k < corners.length; j = k, k += 1) {
        if (ys[k] > y !== ys[j] > y && x < ((xs[j] - xs[k]) * (y - ys[k])) / (ys[j] - ys[k]) + xs[k]) inside ^= 1;
      }
      if (inside) chosen[i] = sign;
    }
  });
  return chosen;
}
