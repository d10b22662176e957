// A video beside the course of its score, on one time axis: a click or drag goes there, arrow keys step from frame to frame.
// The arrays are fetched once for each course. The state lives on the root node and outlasts reruns; where one was in a
// video outlasts the page. Everything is built with textContent: names come from data and are never markup.

const PAUSE = 140; // ms between the last move and the event, so that a held key does not flood the server
const NUDGE = 0.001; // s after a frame's time, so that rounding never shows the frame before
const PLACES = new Map(); // where one was, by video

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".player");
  const state = (root.workbench ??= mount(root));
  const marks = JSON.stringify({ ...data, seek: null, source: "", note: "" });
  const changed = marks !== state.signature;
  const fetched = data.course === state.address;
  const ready = data.course === state.drawn;
  Object.assign(state, { data, send: data.listening ? setTriggerValue : null, signature: marks });
  play(state);
  if (!fetched) load(state);
  else if (changed && ready) draw(state);
  if (ready) obey(state);
}

// The empty player; its listeners look at the state, so they are set once.
function mount(root) {
  const part = (name, tag = "div") => element(tag, name);
  const state = { root, video: part("", "video"), stage: part("stage"), box: part("box"), note: part("note"), bars: part("bars") };
  Object.assign(state, { now: part("now"), time: part("time", "span"), score: part("score", "span"), facts: part("facts") });
  Object.assign(state, { charts: part("charts"), picture: part("picture"), flags: part("flags"), head: part("head"), hair: part("hair"), tip: part("tip") });
  Object.assign(state, { signature: "", address: null, drawn: null, source: null, course: null, position: 0, hover: null, shown: null, obeyed: null });
  state.video.controls = true;
  state.video.preload = "auto";
  state.video.playsInline = true;
  state.hair.hidden = true;
  state.box.hidden = true;
  state.stage.append(state.video, state.box);
  state.now.append(state.time, state.score);
  const screen = part("screen");
  screen.append(state.stage, state.note, state.now);
  const graph = part("graph");
  graph.append(state.charts, state.facts);
  state.charts.append(state.picture, state.head, state.hair, state.flags);
  state.hair.append(state.tip);
  state.charts.tabIndex = 0;
  state.charts.setAttribute("role", "slider");
  state.charts.setAttribute("aria-label", "Position in the video; left and right go from frame to frame, space plays");
  root.append(screen, graph, state.bars);
  listenToVideo(state);
  listenToCharts(state);
  new ResizeObserver(() => { if (state.data.course === state.drawn && state.picture.clientWidth !== state.width) draw(state); }).observe(state.picture);
  return state;
}

function listenToVideo(state) {
  const { video } = state;
  const follow = () => {
    if (!video.seeking && !state.dragging) move(state, video.currentTime);
  };
  const run = () => {
    follow();
    state.running = !video.paused && !video.ended && state.root.isConnected;
    if (state.running) requestAnimationFrame(run);
  };
  video.addEventListener("play", () => { if (!state.running) run(); });
  ["seeked", "timeupdate", "pause"].forEach((name) => video.addEventListener(name, follow));
  video.addEventListener("error", () => explain(state));
  video.addEventListener("loadedmetadata", () => {
    if (!video.videoWidth) {
      explain(state);
      return;
    }
    state.playable = true;
    state.stage.style.setProperty("--shape", video.videoWidth / video.videoHeight);
    state.root.dataset.playing = state.source;
    video.currentTime = state.position;
  });
}

function listenToCharts(state) {
  const { charts } = state;
  const timeOf = (event) => state.view.timeAt(event.clientX - state.picture.getBoundingClientRect().left);
  charts.addEventListener("pointerdown", (event) => {
    if (event.button || !state.view || state.flags.contains(event.target)) return;
    state.dragging = true;
    charts.setPointerCapture(event.pointerId);
    goTo(state, timeOf(event));
  });
  charts.addEventListener("pointermove", (event) => {
    if (!state.view) return;
    if (state.dragging) goTo(state, timeOf(event));
    state.hover = event.pointerType === "touch" || state.flags.contains(event.target) ? null : timeOf(event);
    point(state);
  });
  const release = () => { state.dragging = false; };
  ["pointerup", "pointercancel", "lostpointercapture"].forEach((name) => charts.addEventListener(name, release));
  charts.addEventListener("pointerleave", () => {
    state.hover = null;
    if (state.view) point(state);
  });
  charts.addEventListener("keydown", (event) => onKey(event, state));
}

function onKey(event, state) {
  if (!state.course || event.ctrlKey || event.metaKey || event.altKey) return;
  const { times } = state.course;
  const here = frameAt(times, state.position);
  const next = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: times.length - 1 }[event.key];
  if (next !== undefined) {
    event.preventDefault();
    goTo(state, times[Math.min(times.length - 1, Math.max(0, next))]);
  } else if (event.key === " " && event.target === state.charts) {
    event.preventDefault();
    if (!state.playable) return;
    if (state.video.paused) state.video.play().catch(() => explain(state));
    else state.video.pause();
  }
}

// Loads another video where the source has changed; the playing one is left alone.
function play(state) {
  const { data, video } = state;
  if (data.source === state.source) return;
  state.source = data.source;
  state.playable = false;
  delete state.root.dataset.playing;
  const place = PLACES.get(data.identity);
  state.position = place?.position ?? 0;
  state.obeyed = place?.obeyed ?? null;
  state.stage.hidden = !data.source;
  state.note.textContent = data.source ? "" : data.note;
  if (data.source) video.src = data.source;
  else video.removeAttribute("src");
}

// Says why there is only the graph.
async function explain(state) {
  const { data, source } = state;
  state.playable = false;
  let gone = false;
  try {
    gone = (await fetch(source, { headers: { Range: "bytes=0-0" } })).status === 404;
  } catch {
    gone = true;
  }
  if (state.source !== source) return;
  state.stage.hidden = true;
  const codec = data.codec ? ` (${data.codec})` : "";
  state.note.textContent = gone
    ? "The video itself is not here any more; its scores are complete, and the graph works without it."
    : `This browser cannot play the video${codec}; its scores are complete, and the graph works without it.`;
}

async function load(state) {
  const { course: address } = state.data;
  state.address = address;
  try {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(await answer.text());
    const buffer = await answer.arrayBuffer();
    if (state.address !== address) return;
    state.course = unpack(buffer, state.data);
  } catch (error) {
    state.address = null;
    state.facts.textContent = `The course could not be fetched: ${error.message}`;
    return;
  }
  draw(state);
  obey(state);
}

// Goes where Python asked, once for each request.
function obey(state) {
  const [number, time] = state.data.seek ?? [null, 0];
  if (number === null || number === state.obeyed) return;
  state.obeyed = number;
  state.root.scrollIntoView({ block: "nearest", behavior: "smooth" });
  goTo(state, time, false);
}

// Goes to the scored frame nearest to a time; until the pointer moves again, what is said is about that frame.
function goTo(state, time, tell = true) {
  const { times } = state.course;
  if (!times.length) return;
  const there = times[nearestFrame(times, time)];
  if (state.playable) state.video.currentTime = there + NUDGE;
  state.hover = null;
  move(state, there);
  point(state);
  clearTimeout(state.timer);
  if (tell) state.timer = setTimeout(() => { if (state.root.isConnected) state.send?.("seek", there); }, PAUSE);
}

function draw(state) {
  const { data, course } = state;
  state.width = state.picture.clientWidth;
  course.classes = data.classes;
  build(state);
  const lanes = arrange(state);
  state.view = drawGraph(state.picture, course, data, lanes);
  data.markers.forEach((marker) => {
    const score = course.scores[nearestFrame(course.times, marker.time)];
    if (Number.isNaN(score) || score === undefined) return;
    const place = { cx: state.view.x(marker.time), cy: state.view.y(score), r: 4.5, class: "mark", fill: marker.colour };
    state.view.marks.append(svg("circle", place));
  });
  state.shown = null;
  state.charts.setAttribute("aria-valuemin", 0);
  state.charts.setAttribute("aria-valuemax", course.end.toFixed(2));
  move(state, state.position);
  state.drawn = data.course;
  state.root.dataset.course = data.course;
}

// The bars of the emotions, which are the strip's legend as well, and the line of what else is drawn.
function build(state) {
  const { data } = state;
  state.rows = data.classes.map((name, k) => {
    const row = element("div", "bar");
    const fill = element("i", "fill");
    fill.style.background = data.colours[k];
    const track = element("span", "track");
    track.append(fill);
    const value = element("span", "value");
    row.append(dot(data.colours[k]), element("span", "name", name), track, value);
    return { row, fill, value };
  });
  state.bars.replaceChildren(...state.rows.map(({ row }) => row));
  const facts = data.others.map((other) => {
    const fact = element("span", "fact");
    fact.append(dot(other.colour), other.name);
    return fact;
  });
  if (state.course.gaps.length) facts.push(element("span", "fact hatched", "no face: not scored"));
  if (isDense(state.course.times, state.width)) facts.push(element("span", "fact", "pale: every frame; line: the mean of each pixel"));
  state.facts.replaceChildren(...facts);
}

function dot(colour) {
  const node = element("i", "dot");
  node.style.background = colour;
  return node;
}

// Places a button for each marker over the graph, in as many rows as keep them apart; returns the number of rows.
function arrange(state) {
  const { data, course, width } = state;
  const ends = [];
  const buttons = [...data.markers].sort((a, b) => a.time - b.time).map((marker) => {
    const button = element("button", "flag", marker.label);
    button.type = "button";
    button.style.setProperty("--colour", marker.colour);
    button.title = `${marker.label}, ${clock(marker.time, 2)}`;
    button.setAttribute("aria-label", `Go to ${marker.label}, ${clock(marker.time, 2)}`);
    button.addEventListener("click", () => goTo(state, marker.time));
    return button;
  });
  state.flags.replaceChildren(...buttons);
  buttons.forEach((button, k) => {
    const marker = [...data.markers].sort((a, b) => a.time - b.time)[k];
    const middle = LEFT + (Math.min(marker.time, course.end) / course.end) * (width - LEFT - RIGHT);
    const wide = button.offsetWidth;
    const left = Math.max(0, Math.min(width - wide, middle - wide / 2));
    let lane = ends.findIndex((end) => end + 4 <= left);
    if (lane < 0) lane = ends.length;
    ends[lane] = left + wide;
    button.style.left = `${left}px`;
    button.style.top = `${lane * LANE}px`;
  });
  return ends.length;
}

// Moves the playhead; what is said changes only with the frame.
function move(state, time) {
  state.position = time;
  PLACES.set(state.data.identity, { position: time, obeyed: state.obeyed });
  if (!state.view) return;
  state.head.style.transform = `translateX(${state.view.x(time)}px)`;
  state.head.style.top = `${state.view.top}px`;
  state.head.style.height = `${state.view.height - state.view.top}px`;
  const frame = frameAt(state.course.times, time);
  if (frame === state.frame && state.shown !== null) return;
  state.frame = frame;
  state.charts.setAttribute("aria-valuenow", time.toFixed(2));
  state.charts.setAttribute("aria-valuetext", words(state, frame));
  drawBox(state, frame);
  if (state.hover === null) say(state, frame);
}

// Follows the pointer.
function point(state) {
  const aimed = state.hover !== null;
  state.hair.hidden = !aimed;
  state.root.classList.toggle("aimed", aimed);
  const frame = aimed ? nearestFrame(state.course.times, state.hover) : state.frame;
  if (aimed) {
    state.tip.textContent = words(state, frame);
    state.tip.classList.toggle("late", state.hover > state.course.end / 2);
    state.hair.style.transform = `translateX(${state.view.x(state.course.times[frame])}px)`;
    state.hair.style.top = `${state.view.top}px`;
    state.hair.style.height = `${state.view.height - state.view.top}px`;
  }
  say(state, frame);
}

function say(state, frame) {
  if (state.shown === frame || !state.course.times.length) return;
  state.shown = frame;
  const { times, scores, emotions } = state.course;
  const present = !Number.isNaN(scores[frame]);
  state.time.textContent = clock(times[frame], 2);
  state.score.textContent = present ? scores[frame].toFixed(2) : "no face";
  state.now.classList.toggle("gap", !present);
  state.now.title = words(state, frame);
  state.rows.forEach(({ row, fill, value }, k) => {
    const share = present ? emotions[k][frame] : 0;
    fill.style.transform = `scaleX(${share})`;
    value.textContent = present ? `${(share * 100).toFixed(0)} %` : "–";
    row.classList.toggle("strong", present && strongest(state, frame).includes(k));
  });
}

function strongest(state, frame) {
  const { emotions } = state.course;
  return emotions.map((_, k) => k).sort((a, b) => emotions[b][frame] - emotions[a][frame]).slice(0, 3);
}

function words(state, frame) {
  const { times, scores, emotions } = state.course;
  if (!times.length) return "nothing was scored";
  if (Number.isNaN(scores[frame])) return `${clock(times[frame], 2)}, no face`;
  const names = strongest(state, frame).map((k) => `${state.course.classes[k]} ${(emotions[k][frame] * 100).toFixed(0)} %`);
  return `${clock(times[frame], 2)}, score ${scores[frame].toFixed(2)}, ${names.join(", ")}`;
}

function drawBox(state, frame) {
  const sides = state.course.boxes?.map((side) => side[frame]);
  state.box.hidden = !sides || sides.some(Number.isNaN);
  if (state.box.hidden) return;
  ["left", "top", "width", "height"].forEach((name, k) => { state.box.style[name] = `${sides[k] * 100}%`; });
}
