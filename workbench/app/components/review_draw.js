
// What a reviewer sees; every function draws one part of the page anew from the state.

const SAID = { keep: "keep", relabel: "relabel", ambiguous: "ambiguous", "not-a-face": "not a face", skip: "skip" };
const TONES = { keep: "#3f9d6b", relabel: "#3d7fb8", ambiguous: "#c98b2b", "not-a-face": "#8e6bbf", skip: "#8a929b" };

function lay(state) {
  const parts = ["bar", "stage", "about", "like", "keys", "history"];
  state.parts = Object.fromEntries(parts.map((name) => [name, element("section", name)]));
  const body = element("div", "body");
  body.append(state.parts.stage, state.parts.about, state.parts.like, state.parts.keys);
  state.hint = element("div", "hint");
  state.hint.setAttribute("role", "status");
  state.root.replaceChildren(state.parts.bar, body, state.parts.history, state.hint);
}

function say(state, text) {
  clearTimeout(state.hinting);
  state.hint.textContent = text;
  state.hint.classList.toggle("on", Boolean(text));
  if (text) state.hinting = setTimeout(() => state.hint.classList.remove("on"), 2600);
}

function drawFace(state) {
  const { stage, about } = state.parts;
  const row = state.queue[state.place];
  state.root.dataset.row = row ?? "";
  if (row === undefined) {
    drawEnd(state);
    return;
  }
  state.root.classList.remove("ended");
  const face = state.faces.get(row);
  const frame = element("div", "frame");
  const caption = element("div", "caption");
  const blind = hidden(state, row);
  if (!blind) state.told.add(seenKey(state, row));
  state.root.dataset.blind = blind ? "yes" : "";
  caption.append(stepper(state, -1, "‹"), element("span", "id", !face ? "" : blind ? "blind" : face.id), element("span", "split", face ? face.split : ""), stepper(state, 1, "›"));
  if (face) {
    const picture = state.pictures.get(row) ?? new Image();
    picture.alt = blind ? "the face to judge" : `the face ${face.id}`;
    if (!picture.src) picture.src = face.image;
    picture.draggable = false;
    frame.append(picture);
    announce(state, row, picture);
  }
  if (face && state.mine.has(row)) frame.append(stamps(state, face, blind));
  stage.replaceChildren(frame, caption);
  about.replaceChildren(...(face ? opinions(state, face, blind) : [element("p", "quiet", "Fetching the face …")]));
  drawLike(state);
  drawKeys(state);
  drawBar(state);
  drawHistory(state);
}

// Sets data-shown once the face is on the screen, and how long after the key that was.
function announce(state, row, picture) {
  const ready = () => requestAnimationFrame(() => {
    if (state.queue[state.place] !== row) return;
    state.root.dataset.shown = row;
    state.root.dataset.took = state.pressed ? (performance.now() - state.pressed).toFixed(1) : "";
    state.pressed = 0;
  });
  if (picture.complete) ready();
  else picture.addEventListener("load", ready, { once: true });
}

function stepper(state, change, text) {
  const button = element("button", "step", text);
  button.type = "button";
  button.title = change < 0 ? "The face before, without a verdict (←)" : "The next face, without a verdict (→)";
  button.setAttribute("aria-label", change < 0 ? "Face before" : "Next face");
  button.addEventListener("click", () => step(state, change));
  return button;
}

// What the reviewer has said of the face already, and what others said of it.
function stamps(state, face, blind) {
  const said = state.mine.get(face.row);
  const node = element("div", "stamps");
  const own = element("span", "own", `you: ${said.action === "keep" ? `keep ${face.label}` : inWords(said.action, said.after)}`);
  own.style.setProperty("--tone", TONES[said.action]);
  node.append(own);
  if (!blind) (state.others.get(face.row) ?? []).forEach(([name, action, after]) => node.append(element("span", "", `${name}: ${inWords(action, after)}`)));
  return node;
}

function inWords(action, after) {
  return action === "relabel" ? after : SAID[action];
}

function chip(state, name, kind = "") {
  const node = element("b", `chip ${kind}`, name);
  node.style.setProperty("--tone", state.data.colours[name] ?? "var(--st-text-color)");
  return node;
}

function opinions(state, face, blind) {
  const { words } = state.data;
  const given = element("div", "given");
  given.append(element("span", "", face.label ? "labelled" : "no label"));
  if (face.label) given.append(chip(state, face.label));
  const small = new Image();
  small.src = face.image;
  small.alt = "";
  small.className = "small";
  small.title = "The face as seen from afar";
  if (blind) return [small, element("p", "veil", words.blind)];
  const nodes = [small, given, proposal(state, face)];
  if (face.score !== null) nodes.push(bars([["doubt", face.score, words.score, "strong"]], "doubt"));
  if (face.parts.length) {
    nodes.push(bars(face.parts.map(([name, value]) => [name, value, words.parts[name] ?? ""]), "parts"));
    nodes.push(explanation(state, face.parts.map(([name]) => name)));
  }
  if (face.probabilities.length) nodes.push(probabilities(state, face));
  const seen = remark("A model behind these opinions was trained on this image.", words.seen);
  seen.classList.toggle("none", !face.seen); // it keeps its line, so that the keys below stay where they are
  nodes.push(seen);
  return nodes;
}

// What the parts say and how they make the doubt; opens by key as well, and stays open from face to face.
function explanation(state, names) {
  const { words } = state.data;
  const node = element("details", "explained");
  const list = element("dl", "");
  names.forEach((name) => list.append(element("dt", "", name), element("dd", "", words.parts[name] ?? "")));
  node.append(element("summary", "", "What these say"), element("p", "", words.together), list);
  node.open = Boolean(state.explaining);
  node.addEventListener("toggle", () => { state.explaining = node.open; });
  return node;
}

function proposal(state, face) {
  const node = element("div", "given proposed");
  const words = { relabel: "proposed", ambiguous: "proposed", "not-a-face": "proposed", keep: "no doubt:" };
  if (!face.action) return node;
  node.append(element("span", "", words[face.action]));
  const place = state.data.opinion_classes.indexOf(face.proposed);
  const share = place >= 0 && face.probabilities[place] !== null ? ` ${Math.round(face.probabilities[place] * 100)} %` : "";
  if (face.action === "relabel") node.append(chip(state, face.proposed), element("span", "share", share));
  else node.append(element("b", "chip", face.action === "keep" ? "keep" : SAID[face.action]));
  return node;
}

function bars(rows, name) {
  const node = element("div", `bars ${name}`);
  rows.forEach(([label, value, help, strong]) => {
    const text = element("span", strong ? "label strong" : "label", label);
    const track = element("span", "track");
    const fill = element("i", "");
    fill.style.width = `${(value ?? 0) * 100}%`;
    track.append(fill);
    const number = element("span", "value", value === null ? "–" : value.toFixed(2));
    [text, track, number].forEach((part) => { part.title = help; });
    node.append(text, track, number);
  });
  return node;
}

function probabilities(state, face) {
  const { opinion_classes, colours, words } = state.data;
  const node = bars(opinion_classes.map((name, place) => [name, face.probabilities[place], words.probability]), "classes");
  opinion_classes.forEach((name, place) => {
    const [label, track] = [node.children[place * 3], node.children[place * 3 + 1]];
    track.firstChild.style.background = colours[name] ?? "";
    label.classList.toggle("strong", name === face.label || name === face.proposed);
    if (name === face.label) label.title = "the given label";
  });
  return node;
}

function remark(text, help) {
  const node = element("p", "remark", text);
  node.title = help;
  return node;
}

function drawLike(state) {
  const row = state.queue[state.place];
  const found = state.like.get(row);
  const blind = row !== undefined && hidden(state, row);
  const head = element("h4", "", blind ? "Most similar images" : "Most similar images, with their labels");
  head.title = state.data.words.similar;
  if (!found) {
    state.parts.like.replaceChildren(head, element("p", "quiet", row === undefined ? "" : "Looking for them …"));
    return;
  }
  if (!found.items.length) {
    state.parts.like.replaceChildren(head, element("p", "quiet", state.data.words.no_space));
    return;
  }
  const tiles = element("div", "tiles");
  found.items.forEach((item, place) => tiles.append(likeTile(state, found, item, place, blind)));
  const same = found.items.filter((item) => item.same).length;
  const copies = found.items.filter((item) => item.kind !== "similar").length;
  const all = element("button", "gather");
  all.type = "button";
  all.disabled = !same && !state.chosen.size;
  all.title = state.data.words.alike;
  const count = state.chosen.size;
  const more = `The next verdict goes to ${count} more image${count > 1 ? "s" : ""}`;
  const text = count ? more : same ? `${same} look${same > 1 ? "" : "s"} the same${copied(same, copies)}: apply to all` : "None looks the same; click those that do";
  all.append(element("kbd", "", "G"), element("span", "", text));
  all.classList.toggle("on", count > 0);
  all.addEventListener("click", () => gather(state));
  state.parts.like.replaceChildren(head, tiles, all);
}

// How many of those that look the same truly are: by their pixels, not by an embedding.
function copied(same, copies) {
  if (same === copies) return same > 1 ? ", all copies" : ", a copy";
  return copies ? `, ${copies} of them ${copies > 1 ? "copies" : "a copy"}` : ", no copy";
}

function likeTile(state, found, item, place, blind) {
  const { colours } = state.data;
  const tile = element("button", item.kind !== "similar" ? "tile same copied" : item.same ? "tile same" : "tile");
  const said = state.mine.get(item.row);
  const kind = item.kind === "similar" ? `cosine ${item.cosine?.toFixed(3) ?? "–"}` : item.kind;
  const told = blind ? "" : `${item.id}: labelled ${item.label || "nothing"}, `;
  const text = `${told}${item.split}, ${kind}${said ? `; you said ${SAID[said.action]}` : ""}`;
  tile.type = "button";
  tile.title = text;
  tile.setAttribute("aria-label", text);
  tile.setAttribute("aria-pressed", state.chosen.has(item.row));
  const picture = cut(element("span", "picture"), found.sheet, state.data.sheet_columns, found.items.length, place);
  const label = element("span", "label", blind ? "\u00a0" : item.label || "no label");
  label.style.setProperty("--tone", blind ? "transparent" : colours[item.label] ?? "#9aa3ab");
  tile.append(picture, label, element("span", "kind", item.kind === "copy" ? "copy" : item.kind === "near-duplicate" ? "near" : item.cosine?.toFixed(2) ?? ""));
  if (said) tile.append(element("span", "tick", "✓"));
  tile.addEventListener("click", () => {
    if (!state.chosen.delete(item.row)) state.chosen.add(item.row);
    drawLike(state);
    drawKeys(state);
  });
  return tile;
}

function drawKeys(state) {
  const face = current(state);
  const { keys } = state.parts;
  const blind = Boolean(face) && hidden(state, face.row);
  const said = face ? state.mine.get(face.row) : null;
  const chosen = (action, after) => said?.action === action && (action !== "relabel" || said.after === after);
  const proposes = (action, after) => !blind && face?.action === action && (action !== "relabel" || face.proposed === after);
  const make = (key, text, act, options = {}) => {
    const button = element("button", `key ${options.kind ?? ""}`);
    button.type = "button";
    button.disabled = options.disabled ?? !face;
    if (options.tone) button.style.setProperty("--tone", options.tone);
    if (options.title) button.title = options.title;
    button.append(element("kbd", "", key), element("span", "", text));
    if (options.enter) button.append(element("kbd", "enter", "⏎"));
    button.classList.toggle("said", Boolean(options.said));
    button.addEventListener("click", () => { state.pressed = performance.now(); act(); });
    return button;
  };
  const first = element("div", "row");
  const second = element("div", "row");
  const keep = face?.label && !blind ? `keep ${face.label}` : "keep";
  first.append(make("K", keep, () => judge(state, "keep", ""), { kind: "main", tone: TONES.keep, disabled: blind || !face?.label, enter: proposes("keep"), said: chosen("keep") }));
  state.data.classes.forEach((name, place) => {
    const options = { kind: name === face?.label && !blind ? "given-label" : "", tone: state.data.colours[name], enter: proposes("relabel", name), said: chosen("relabel", name) };
    first.append(make(place < 9 ? String(place + 1) : "", name, () => relabel(state, place), options));
  });
  second.append(
    make("A", "ambiguous", () => judge(state, "ambiguous", ""), { enter: proposes("ambiguous"), said: chosen("ambiguous"), title: state.data.words.ambiguous }),
    make("N", "not a face", () => judge(state, "not-a-face", ""), { enter: proposes("not-a-face"), said: chosen("not-a-face"), title: state.data.words.not_a_face }),
    make("S", "skip", () => judge(state, "skip", ""), { said: chosen("skip"), title: state.data.words.skip }),
    make("U", "undo", () => undo(state), { kind: "apart", disabled: !state.history.length, title: "Take the last verdict back and return to its face (u or Backspace)" }),
    element("span", "legend", blind ? "← → look without judging" : "⏎ accept the proposal · ← → look without judging"),
  );
  keys.replaceChildren(first, second);
  keys.classList.toggle("group", state.chosen.size > 0);
}

function drawBar(state) {
  const { bar } = state.parts;
  const counts = { ...state.earlier };
  state.queue.forEach((row) => {
    const said = state.mine.get(row);
    if (said) counts[said.action] = (counts[said.action] ?? 0) + 1;
  });
  const seen = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const skipped = counts.skip ?? 0;
  const done = seen - skipped; // a skip is no opinion
  const total = Math.max(state.data.total, seen);
  const track = element("div", "track");
  track.title = `${done.toLocaleString("en")} of ${total.toLocaleString("en")} judged by you, ${skipped.toLocaleString("en")} skipped`;
  const words = element("div", "counts");
  words.append(element("b", "", done.toLocaleString("en")), element("span", "", ` of ${total.toLocaleString("en")}`));
  Object.keys(SAID).forEach((action) => {
    const part = element("i", "");
    part.style.width = `${((counts[action] ?? 0) / Math.max(1, total)) * 100}%`;
    part.style.background = TONES[action];
    track.append(part);
    if (!counts[action]) return;
    const count = element("span", "count", `${counts[action].toLocaleString("en")} ${SAID[action]}`);
    count.style.setProperty("--tone", TONES[action]);
    words.append(count);
  });
  const rate = pace(state.times);
  if (rate) words.append(element("span", "rate", `${rate} a minute`));
  const side = element("div", "side");
  state.saved = element("span", "saved");
  const who = element("button", "who", state.data.reviewer);
  who.type = "button";
  who.title = "You judge under this name; click to change it";
  who.setAttribute("aria-label", `Reviewer ${state.data.reviewer}; change the name`);
  who.addEventListener("click", () => state.send("reviewer", ""));
  side.append(state.saved, who);
  bar.replaceChildren(track, words, side);
  drawPost(state);
}

// Verdicts a minute over the last thirty, pauses of more than half a minute left out.
function pace(times) {
  const last = times.slice(-30);
  const gaps = last.slice(1).map((time, place) => time - last[place]).filter((gap) => gap < 30_000);
  const total = gaps.reduce((sum, gap) => sum + gap, 0);
  return gaps.length > 2 && total ? Math.round((gaps.length / total) * 60_000) : 0;
}

function drawPost(state) {
  if (!state.saved) return;
  const { late, fault, refused } = postState();
  const node = state.saved;
  node.replaceChildren();
  node.className = "saved";
  if (late) {
    node.classList.add("late");
    node.textContent = `${late} not saved yet`;
    node.title = `${fault || "The server is slow"}. They are kept in this browser and sent again until they are saved, on your next visit too.`;
  } else {
    node.textContent = "saved";
    node.title = "Every verdict is on the disk.";
  }
  if (!refused.length) return;
  const button = element("button", "refused", `${refused.length} refused`);
  button.type = "button";
  button.title = `${refused.map(([, one]) => one.error).join("\n")}\n\nClick to forget ${refused.length > 1 ? "them" : "it"}.`;
  button.addEventListener("click", forgetRefused);
  node.append(" ", button);
}

function drawHistory(state) {
  const strip = element("div", "strip");
  state.history.slice(-RECENT).reverse().forEach((one) => strip.append(judged(state, one)));
  const node = state.parts.history;
  node.replaceChildren(...(state.history.length ? [element("span", "title", "just judged"), strip] : []));
}

function judged(state, one) {
  const tile = element("button", "judged");
  const face = state.faces.get(one.row);
  const others = one.action === "skip" ? [] : (state.others.get(one.row) ?? []).filter((other) => other[1] !== "skip");
  const mine = one.action === "relabel" ? one.after : one.action === "keep" ? face?.label ?? one.after : one.action;
  const opinion = ([, action, after]) => (action === "keep" || action === "relabel" ? after : action);
  const differ = others.some((other) => opinion(other) !== mine);
  const text = inWords(one.action, one.after);
  const more = one.items.length > 1 ? ` +${one.items.length - 1}` : "";
  const told = others.map(([name, action, after]) => `${name}: ${inWords(action, after)}`).join(", ");
  tile.type = "button";
  tile.title = `${one.items[0].id}: you said ${text}${told ? `; ${told}` : ""}. Click to look at it again.`;
  tile.setAttribute("aria-label", tile.title);
  const picture = new Image();
  picture.src = face?.image ?? one.image ?? "";
  picture.alt = "";
  const word = element("span", "word", text + more);
  word.style.setProperty("--tone", one.action === "relabel" ? state.data.colours[one.after] ?? TONES.relabel : TONES[one.action]);
  tile.append(picture, word);
  if (others.length) tile.append(element("span", differ ? "mark differ" : "mark", differ ? "≠" : "="));
  tile.addEventListener("click", () => {
    const place = state.queue.indexOf(one.row);
    if (place < 0) state.queue.splice(state.place, 0, one.row);
    else state.place = place;
    show(state);
  });
  return tile;
}

function drawEnd(state) {
  const { stage, about, like } = state.parts;
  state.root.classList.add("ended");
  const end = element("div", "end");
  const empty = !state.queue.length;
  end.append(element("h3", "", empty ? state.data.empty : "That was the last face of this queue."));
  if (!empty) end.append(element("p", "quiet", state.data.words.ended));
  const again = element("button", "primary", "Look for more");
  again.type = "button";
  again.addEventListener("click", () => state.send("again", Date.now()));
  if (!empty) end.append(again);
  stage.replaceChildren(end);
  about.replaceChildren();
  like.replaceChildren();
  drawKeys(state);
  drawBar(state);
  drawHistory(state);
  state.root.dataset.shown = "end";
}
