// Paints points with WebGL 2, or on a plain canvas where there is none.

const VERTEX = `#version 300 es
in vec2 place; in float code; in float mark;
uniform vec2 middle; uniform vec2 scale; uniform float size; uniform float choosing; uniform float opacity; uniform sampler2D palette;
out vec4 paint; out float radius;
void main() {
  gl_Position = vec4((place - middle) * scale, 0.0, 1.0);
  bool dim = choosing > 0.5 && mark < 0.5;
  radius = size * (choosing > 0.5 && !dim ? 1.25 : 1.0);
  gl_PointSize = radius + 1.0;
  vec4 full = texture(palette, vec2((code + 0.5) / 256.0, 0.5));
  float alpha = dim ? 0.16 : (choosing > 0.5 ? min(1.0, opacity * 1.3) : opacity) * full.a;
  paint = vec4((dim ? vec3(0.55, 0.58, 0.62) : full.rgb) * alpha, alpha);
}`;
const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 paint; in float radius; out vec4 seen;
void main() {
  float far = length(gl_PointCoord - 0.5) * (radius + 1.0);
  seen = paint * clamp(radius * 0.5 - far + 0.5, 0.0, 1.0);
}`;
const SKETCH = 60_000; // of more points a moving map shows about so many
const DIM = "rgba(140, 148, 158, .16)";

// Diameter and opacity of a point, in CSS pixels: small where there are many, larger where one looks closely.
function pointLook(count, wide, high, zoom) {
  const usual = Math.sqrt((wide * high * 0.62) / Math.max(1, count));
  const size = Math.min(11, Math.max(1.7, usual * Math.min(5, zoom ** 0.45)));
  return { size: Math.max(size, Math.min(4, 2 * zoom ** 0.3)), opacity: count > 100000 ? 0.62 : 0.8 };
}

function codesOf(values, low, high) {
  const span = high - low || 1;
  return Uint8Array.from(values, (value) => (Number.isNaN(value) ? NONE : Math.round(Math.min(1, Math.max(0, (value - low) / span)) * 254)));
}

function parts(colour) {
  return [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16));
}

// 256 colours of four bytes; the last is for points without a class or value.
function paletteOf(colours) {
  const bytes = new Uint8Array(1024).fill(0);
  for (let code = 0; code < 256; code += 1) {
    const known = code < colours.length;
    bytes.set([...(known ? parts(colours[code]) : [154, 163, 171]), code === NONE || !known ? 120 : 255], 4 * code);
  }
  return bytes;
}

function ramp(stops) {
  const colours = stops.map(parts);
  const bytes = paletteOf([]);
  for (let code = 0; code < NONE; code += 1) {
    const place = (code / (NONE - 1)) * (colours.length - 1);
    const first = Math.min(colours.length - 2, Math.floor(place));
    const share = place - first;
    bytes.set([...colours[first].map((part, k) => Math.round(part + share * (colours[first + 1][k] - part))), 255], 4 * code);
  }
  return bytes;
}

// Values rise towards the viewer; classes are mixed, so that none lies over all others. Points without either lie beneath.
function drawingOrder({ codes, data }) {
  const order = new Uint32Array(codes.length);
  if (data.kind === "value") {
    const starts = new Uint32Array(257);
    const rank = (code) => (code === NONE ? 0 : code + 1);
    codes.forEach((code) => { starts[rank(code) + 1] += 1; });
    for (let k = 0; k < 256; k += 1) starts[k + 1] += starts[k];
    codes.forEach((code, i) => { order[starts[rank(code)]++] = i; });
    return order;
  }
  let seed = 1;
  for (let i = 0; i < order.length; i += 1) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const other = Math.floor((seed / 4294967296) * (i + 1));
    order[i] = order[other];
    order[other] = i;
  }
  const none = order.filter((i) => codes[i] === NONE);
  return none.length ? Uint32Array.from([...none, ...order.filter((i) => codes[i] !== NONE)]) : order;
}

function makePainter(state) {
  const gl = state.data.plain ? null : state.canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: true, powerPreference: "low-power" });
  state.root.dataset.painter = gl ? "webgl" : "canvas";
  return gl ? glPainter(state, gl) : canvasPainter(state);
}

function sized(canvas, wide, high) {
  const density = Math.min(2, window.devicePixelRatio || 1);
  const [across, down] = [Math.round(wide * density), Math.round(high * density)];
  if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, { width: across, height: down });
  return density;
}

// Every so-manieth point of an order, for a map that moves.
function sketched(order) {
  const step = Math.ceil(order.length / SKETCH);
  return step < 2 ? order : order.filter((_, i) => i % step === 0);
}

function glPainter(state, gl) {
  const held = {}; // what a lost context needs again
  let own = null;
  const program = () => {
    const made = gl.createProgram();
    [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]].forEach(([kind, source]) => {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(made, shader);
    });
    gl.linkProgram(made);
    return made;
  };
  const attribute = (name, buffer, size, type) => {
    const place = gl.getAttribLocation(own.program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, size, type, false, 0, 0);
  };
  const fill = (buffer, values) => {
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
  };
  const start = () => {
    own = { program: program(), places: gl.createBuffer(), codes: gl.createBuffer(), marks: gl.createBuffer(), order: gl.createBuffer(), sketch: gl.createBuffer(), palette: gl.createTexture() };
    gl.useProgram(own.program);
    fill(own.places, state.space.places);
    attribute("place", own.places, 2, gl.FLOAT);
    attribute("code", own.codes, 1, gl.UNSIGNED_BYTE);
    attribute("mark", own.marks, 1, gl.UNSIGNED_BYTE);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  };
  const set = (name, ...values) => gl[`uniform${values.length}f`](gl.getUniformLocation(own.program, name), ...values);
  const painter = {
    colours(codes, palette) {
      Object.assign(held, { codes, palette });
      if (gl.isContextLost()) return;
      fill(own.codes, codes);
      gl.bindTexture(gl.TEXTURE_2D, own.palette);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, palette);
      [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER].forEach((name) => gl.texParameteri(gl.TEXTURE_2D, name, gl.NEAREST));
    },
    marks(order, chosen) {
      Object.assign(held, { order, chosen, sketch: sketched(order) });
      if (gl.isContextLost()) return;
      fill(own.marks, chosen ?? new Uint8Array(state.space.count));
      [[own.order, order], [own.sketch, held.sketch]].forEach(([buffer, indices]) => {
        gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, buffer);
        gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, indices, gl.DYNAMIC_DRAW);
      });
    },
    paint(view, wide, high) {
      if (gl.isContextLost()) return;
      const density = sized(state.canvas, wide, high);
      const look = pointLook(state.space.count, wide, high, state.camera.zoom);
      gl.viewport(0, 0, state.canvas.width, state.canvas.height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      set("middle", view.x, view.y);
      set("scale", (2 * view.scale) / wide, (2 * view.scale) / high);
      set("size", look.size * density);
      set("opacity", look.opacity);
      set("choosing", held.chosen ? 1 : 0);
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, state.moving ? own.sketch : own.order);
      gl.drawElements(gl.POINTS, (state.moving ? held.sketch : held.order).length, gl.UNSIGNED_INT, 0);
    },
    close() {
      state.canvas.removeEventListener("webglcontextlost", lost);
      state.canvas.removeEventListener("webglcontextrestored", restored);
      Object.values(own).forEach((one) => { gl.deleteBuffer(one instanceof WebGLBuffer ? one : null); });
      gl.deleteTexture(own.palette);
      gl.deleteProgram(own.program);
      if (!state.root.isConnected) gl.getExtension("WEBGL_lose_context")?.loseContext();
    },
  };
  const lost = (event) => event.preventDefault();
  const restored = () => {
    start();
    painter.colours(held.codes, held.palette);
    painter.marks(held.order, held.chosen);
    draw(state);
  };
  state.canvas.addEventListener("webglcontextlost", lost);
  state.canvas.addEventListener("webglcontextrestored", restored);
  start();
  return painter;
}

function canvasPainter(state) {
  const held = {};
  return {
    colours(codes, palette) {
      const look = (k) => `rgba(${palette[4 * k]}, ${palette[4 * k + 1]}, ${palette[4 * k + 2]}, ${palette[4 * k + 3] / 255})`;
      Object.assign(held, { codes, fills: Array.from({ length: 256 }, (_, k) => look(k)) });
    },
    marks(order, chosen) { Object.assign(held, { order, chosen, sketch: sketched(order) }); },
    paint(view, wide, high) {
      const context = state.canvas.getContext("2d");
      const density = sized(state.canvas, wide, high);
      const { size, opacity } = pointLook(state.space.count, wide, high, state.camera.zoom);
      context.setTransform(density, 0, 0, density, 0, 0);
      context.clearRect(0, 0, wide, high);
      context.globalAlpha = opacity;
      const { places } = state.space;
      (state.moving ? held.sketch : held.order).forEach((i) => {
        const [left, top] = toPixel(view, places[2 * i], places[2 * i + 1]);
        if (left < -size || top < -size || left > wide + size || top > high + size) return;
        const fill = held.chosen && !held.chosen[i] ? DIM : held.fills[held.codes[i]];
        if (context.fillStyle !== fill) context.fillStyle = fill;
        context.fillRect(left - size / 2, top - size / 2, size, size);
      });
    },
    close() {},
  };
}
