
// What the player draws along its time axis, as SVG: crisp at any size, and coloured by the style sheet in light and dark.
// Many frames are thinned to a few points a pixel that keep the first, the lowest, the highest and the last of each pixel.

const LEFT = 26; // room for the scale, in CSS pixels
const RIGHT = 96; // room for the names of lines and strips
const LANE = 22; // height of a row of markers
const GRAPH = 168;
const AXIS = 20;
const WEIGHTS = 22;
const BETWEEN = 6;
const STRIP = 56;
const LINE = 15; // height of a line of text
const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 36000];

// The arrays of a course as Timeline.pack() lays them out.
function unpack(buffer, data) {
  const count = data.frames;
  const times = new Float64Array(buffer, 0, count);
  let offset = 8 * count;
  const row = () => {
    const values = new Float32Array(buffer, offset, count);
    offset += 4 * count;
    return values;
  };
  const course = { times, scores: row(), emotions: data.classes.map(row) };
  course.weights = data.weighted ? row() : null;
  course.boxes = data.boxed ? [row(), row(), row(), row()] : null;
  course.others = data.others.map(row);
  const step = count > 1 ? (times[count - 1] - times[0]) / (count - 1) : 0;
  course.end = Math.max(count ? times[count - 1] + step : 0, data.duration ?? 0, data.fault_time ?? 0, 0.001);
  course.gaps = findGaps(course);
  return course;
}

// Runs of frames without a score, as [from, to) in seconds.
function findGaps({ times, scores, end }) {
  const gaps = [];
  for (let i = 0; i < times.length; i += 1) {
    if (!Number.isNaN(scores[i])) continue;
    const from = times[i];
    while (i < times.length && Number.isNaN(scores[i])) i += 1;
    gaps.push([from, i < times.length ? times[i] : Math.min(end, times[i - 1] + (end - times[0]) / times.length)]);
  }
  return gaps;
}

// The last frame at or before a time; the first where there is none.
function frameAt(times, time) {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (times[middle] <= time + 1e-6) low = middle;
    else high = middle - 1;
  }
  return low;
}

function nearestFrame(times, time) {
  const before = frameAt(times, time);
  return before + 1 < times.length && times[before + 1] - time < time - times[before] ? before + 1 : before;
}

function svg(tag, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
  if (text !== undefined) node.textContent = text;
  return node;
}

// The whole scale; wider only where something drawn lies outside it.
function scoreRange(course, data) {
  let low = 1;
  let high = 5;
  const take = (value) => {
    if (value === null || Number.isNaN(value)) return;
    if (value < low) low = value;
    if (value > high) high = value;
  };
  [course.scores, ...course.others].forEach((values) => values.forEach(take));
  [data.computed, data.reported].forEach(take);
  return [Math.floor(low), Math.ceil(high)];
}

// A line through values; broken where a gap is a pixel wide or more.
function linePath(times, values, x, y) {
  const parts = [];
  let pixel = null;
  let bucket = [];
  let pen = false;
  let lost = null;
  const flush = () => {
    [...new Set(bucket)].sort((a, b) => a - b).forEach((i) => {
      parts.push(`${pen ? "L" : "M"}${x(times[i]).toFixed(2)} ${y(values[i]).toFixed(2)}${pen ? "" : "h.01"}`);
      pen = true;
    });
    bucket = [];
  };
  for (let i = 0; i < times.length; i += 1) {
    const value = values[i];
    if (Number.isNaN(value)) {
      lost ??= times[i];
      continue;
    }
    if (lost !== null && x(times[i]) - x(lost) >= 1) {
      flush();
      pen = false;
    }
    lost = null;
    const here = Math.floor(x(times[i]));
    if (here !== pixel || !bucket.length) {
      flush();
      pixel = here;
      bucket = [i, i, i, i];
    }
    if (value < values[bucket[1]]) bucket[1] = i;
    if (value > values[bucket[2]]) bucket[2] = i;
    bucket[3] = i;
  }
  flush();
  return parts.join("");
}

// The mean of each pixel, as times and values; a pixel with nothing but gaps is a gap.
function pixelMeans(times, values, x) {
  const means = { times: [], values: [] };
  let sum = 0;
  let count = 0;
  for (let i = 0; i < times.length; i += 1) {
    if (!Number.isNaN(values[i])) {
      sum += values[i];
      count += 1;
    }
    if (i + 1 < times.length && Math.floor(x(times[i + 1])) === Math.floor(x(times[i]))) continue;
    means.times.push(times[i]);
    means.values.push(count ? sum / count : NaN);
    sum = 0;
    count = 0;
  }
  return means;
}

function isDense(times, width) {
  return times.length > 3 * width;
}

// A course as a line; where many frames share a pixel, all of them as a pale band with their mean over it.
function drawCourse(picture, times, values, scales, look) {
  const { x, y, width } = scales;
  const dense = isDense(times, width);
  if (dense) picture.append(svg("path", { ...look, class: `${look.class} band`, d: linePath(times, values, x, y) }));
  const line = dense ? pixelMeans(times, values, x) : { times, values };
  picture.append(svg("path", { ...look, d: linePath(line.times, line.values, x, y) }));
}

// The greatest weight of each pixel as a filled area.
function weightPath(times, weights, x, bottom) {
  const most = weights.reduce((a, b) => Math.max(a, b), 0);
  if (!times.length || most <= 0) return "";
  const tops = new Map();
  for (let i = 0; i < times.length; i += 1) {
    const here = Math.floor(x(times[i]));
    tops.set(here, Math.max(tops.get(here) ?? 0, weights[i]));
  }
  const points = [...tops].map(([here, weight]) => `L${here} ${(bottom - (weight / most) * WEIGHTS).toFixed(2)}`);
  return `M${x(times[0]).toFixed(2)} ${bottom}${points.join("")}L${x(times[times.length - 1]).toFixed(2)} ${bottom}Z`;
}

// One path an emotion: the mean probabilities of each pixel, or of each frame where frames are wider, stacked from below.
function stripPaths(course, x, bottom) {
  const { times, scores, emotions, end } = course;
  const parts = emotions.map(() => []);
  const sums = new Float64Array(emotions.length);
  let count = 0;
  let left = null;
  const flush = (right) => {
    let base = bottom;
    if (count) {
      sums.forEach((sum, k) => {
        const top = base - (sum / count) * STRIP;
        parts[k].push(`M${left.toFixed(2)} ${base.toFixed(2)}V${top.toFixed(2)}H${right.toFixed(2)}V${base.toFixed(2)}Z`);
        base = top;
      });
    }
    sums.fill(0);
    count = 0;
    left = null;
  };
  for (let i = 0; i < times.length; i += 1) {
    const from = x(times[i]);
    if (left !== null && (from - left >= 1 || Number.isNaN(scores[i]))) flush(from);
    if (Number.isNaN(scores[i])) continue;
    left ??= from;
    emotions.forEach((values, k) => { sums[k] += values[i]; });
    count += 1;
  }
  if (left !== null) flush(x(Math.min(end, times[times.length - 1] + (end - times[0]) / times.length)));
  return parts.map((part) => part.join(""));
}

// Gaps as rectangles at least a pixel wide, those that touch as one.
function gapSpans(gaps, x) {
  const spans = [];
  gaps.forEach(([from, to]) => {
    const left = x(from);
    const right = Math.max(left + 1, x(to));
    const last = spans[spans.length - 1];
    if (last && left <= last[1]) last[1] = Math.max(last[1], right);
    else spans.push([left, right]);
  });
  return spans;
}

function clock(time, digits = 1) {
  if (time < 60) return `${time.toFixed(digits)} s`;
  const rounded = Number(time.toFixed(digits));
  const seconds = (rounded % 60).toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
  const minutes = Math.floor(rounded / 60);
  return minutes < 60 ? `${minutes}:${seconds}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${seconds}`;
}

// Draws everything into `holder` and returns the geometry: the scale of time and where the parts lie.
function drawGraph(holder, course, data, lanes) {
  const width = Math.max(160, holder.clientWidth);
  const plot = width - LEFT - RIGHT;
  const top = lanes * LANE + 6;
  const base = top + GRAPH;
  const foot = base + AXIS + (course.weights ? WEIGHTS : 0);
  const stripTop = foot + (course.weights ? BETWEEN : 0);
  const height = stripTop + STRIP;
  const [low, high] = scoreRange(course, data);
  const x = (time) => LEFT + (Math.min(time, course.end) / course.end) * plot;
  const y = (score) => base - ((score - low) / (high - low)) * GRAPH;
  const picture = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  picture.append(hatch());
  drawScale(picture, { low, high, x, y, width, base, top, plot, end: course.end });
  gapSpans(course.gaps, x).forEach(([left, right]) => {
    picture.append(svg("rect", { class: "gap", x: left, y: top, width: right - left, height: base - top }));
    picture.append(svg("rect", { class: "gap", x: left, y: stripTop, width: right - left, height: STRIP }));
  });
  if (data.fault_time !== null) drawFault(picture, { x, top, height, width, time: data.fault_time });
  stripPaths(course, x, height).forEach((path, k) => picture.append(svg("path", { class: "emotion", d: path, fill: data.colours[k] })));
  if (course.weights) picture.append(svg("path", { class: "weight", d: weightPath(course.times, course.weights, x, foot) }));
  data.others.forEach((other, k) => {
    drawCourse(picture, course.times, course.others[k], { x, y, width }, { class: "other", stroke: other.colour });
  });
  drawCourse(picture, course.times, course.scores, { x, y, width }, { class: "course" });
  drawLevels(picture, data, y, width);
  drawNames(picture, course, { width, top, base, foot, stripTop });
  const marks = svg("g", { class: "marks" });
  picture.append(marks);
  holder.replaceChildren(picture);
  return { x, y, marks, top, height, plot, end: course.end, timeAt: (px) => Math.min(1, Math.max(0, (px - LEFT) / plot)) * course.end };
}

function hatch() {
  const pattern = svg("pattern", { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  pattern.append(svg("line", { class: "hatch", x1: 0, y1: 0, x2: 0, y2: 6 }));
  const holder = svg("defs", {});
  holder.append(pattern);
  return holder;
}

function drawScale(picture, { low, high, x, y, width, base, top, plot, end }) {
  for (let score = low; score <= high; score += 1) {
    picture.append(svg("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(score), y2: y(score) }));
    picture.append(svg("text", { class: "tick", x: LEFT - 6, y: y(score) + 4, "text-anchor": "end" }, score));
  }
  const step = STEPS.find((seconds) => (end / seconds) * 58 <= plot) ?? STEPS[STEPS.length - 1];
  const digits = step >= 1 ? 0 : step >= 0.1 ? 1 : 2;
  for (let k = 0; k * step <= end * (1 + 1e-9); k += 1) {
    const here = x(k * step);
    picture.append(svg("line", { class: "grid", x1: here, x2: here, y1: top, y2: base }));
    const place = { class: "tick", x: k === 0 ? LEFT - 6 : here, y: base + 14, "text-anchor": k === 0 ? "start" : "middle" };
    picture.append(svg("text", place, clock(k * step, digits)));
  }
}

function drawFault(picture, { x, top, height, width, time }) {
  const here = x(time);
  picture.append(svg("rect", { class: "fault", x: here, y: top, width: Math.max(0, width - RIGHT - here), height: height - top }));
  picture.append(svg("line", { class: "fault", x1: here, x2: here, y1: top, y2: height }));
  const late = here > width / 2;
  const words = `damaged from ${clock(time)} on`;
  picture.append(svg("text", { class: "fault", x: here + (late ? -5 : 5), y: top + 12, "text-anchor": late ? "end" : "start" }, words));
}

// The video score and the one that people gave, as lines with their names in the margin, pushed apart where they are near.
function drawLevels(picture, data, y, width) {
  const right = width - RIGHT;
  const levels = [
    { value: data.computed, name: "computed", words: "video score" },
    { value: data.reported, name: "reported", words: "reported" },
  ].filter(({ value }) => value !== null).sort((a, b) => b.value - a.value);
  const push = levels.length > 1 ? Math.max(0, LINE - (y(levels[1].value) - y(levels[0].value))) / 2 : 0;
  levels.forEach(({ value, name, words }, k) => {
    const beside = y(value) + (k ? push : -push);
    picture.append(svg("path", { class: `level ${name}`, d: `M${LEFT} ${y(value)}H${right}L${right + 8} ${beside}` }));
    picture.append(svg("text", { class: `level ${name}`, x: right + 11, y: beside + 4 }, `${words} ${value.toFixed(2)}`));
  });
}

// What the strips are, in the margin beside them, and what a resting pointer is told.
function drawNames(picture, course, { width, top, base, foot, stripTop }) {
  const beside = width - RIGHT + 11;
  const write = (middle, ...lines) => lines.forEach((words, k) => {
    picture.append(svg("text", { class: "tick", x: beside, y: middle + 4 + (k - (lines.length - 1) / 2) * (LINE - 3) }, words));
  });
  const explain = (part, y, height, wide, words) => {
    const area = svg("rect", { class: "hint", "data-part": part, x: 0, y, width: wide, height });
    area.append(svg("title", {}, words));
    picture.append(area);
  };
  explain("axis", top - 4, base - top + 8, LEFT, "frame score, 1 least satisfied to 5 most");
  if (course.weights) {
    write(foot - WEIGHTS / 2, "weight in the", "end score");
    explain("weights", foot - WEIGHTS, WEIGHTS, width, "How much each frame counts in the end score, relative to the frame that counts most");
  }
  write(stripTop + STRIP / 2, "emotions");
  explain("emotions", stripTop, STRIP, width, `Share of each emotion in each frame, from below: ${course.classes.join(", ")}`);
}
