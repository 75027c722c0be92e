// The hash wheel: two wheels of partitions. The kernel computes; this file draws. All text is set with textContent: a
// key is never read as HTML.
const SVG = "http://www.w3.org/2000/svg";
const SIZE = 300;
const CENTRE = SIZE / 2;
const INNER = 58;
const OUTER = 122;

function svg(tag, attributes, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

// Turns count from 0 at the top, clockwise, to 1.
function at(turn, radius) {
  const angle = (turn - 0.25) * 2 * Math.PI;
  return [CENTRE + radius * Math.cos(angle), CENTRE + radius * Math.sin(angle)];
}

function sectorPath(number, count) {
  if (count === 1) {
    const ring = (radius, sweep) => `M ${CENTRE} ${CENTRE - radius} A ${radius} ${radius} 0 1 ${sweep} ${CENTRE} ${CENTRE + radius} ` +
      `A ${radius} ${radius} 0 1 ${sweep} ${CENTRE} ${CENTRE - radius} Z`;
    return `${ring(OUTER, 1)} ${ring(INNER, 0)}`;
  }
  const [from, to] = [number / count, (number + 1) / count];
  const large = to - from > 0.5 ? 1 : 0;
  return `M ${at(from, INNER)} L ${at(from, OUTER)} A ${OUTER} ${OUTER} 0 ${large} 1 ${at(to, OUTER)} ` +
    `L ${at(to, INNER)} A ${INNER} ${INNER} 0 ${large} 0 ${at(from, INNER)} Z`;
}

// Each key of the sample has its place in the sector: rows of dots from the inside out.
function dots(client, count) {
  const seen = new Array(count).fill(0);
  const totals = new Array(count).fill(0);
  for (const partition of client.sample) totals[partition] += 1;
  return client.sample.map((partition, index) => {
    const rows = Math.max(Math.round(Math.sqrt(totals[partition] * count / 9)), 2);
    const place = seen[partition]++;
    const columns = Math.ceil(totals[partition] / rows);
    const turn = (partition + (Math.floor(place / rows) + 0.5) / columns * 0.84 + 0.08) / count;
    const radius = INNER + 9 + (place % rows) / Math.max(rows - 1, 1) * (OUTER - INNER - 18);
    const [x, y] = at(turn, radius);
    const on = partition === client.partition ? " kit-on-hit" : "";
    if (client.moved[index] === "1") {
      return svg("path", { class: `kit-mover${on}`, d: `M ${x - 2.6} ${y - 2.6} l 5.2 5.2 m 0 -5.2 l -5.2 5.2` });
    }
    return svg("circle", { class: `kit-dot${on}`, cx: x, cy: y, r: 2 });
  });
}

function drawWheel(picture, client, count) {
  const sectors = Array.from({ length: count }, (_, number) => svg("path", {
    class: number === client.partition ? "kit-sector kit-hit" : "kit-sector", d: sectorPath(number, count), "fill-rule": "evenodd",
  }));
  sectors.sort((one, other) => one.classList.length - other.classList.length); // the thick border on top
  const labels = Array.from({ length: count }, (_, number) => {
    const [x, y] = at((number + 0.5) / count, OUTER + 14);
    return svg("text", { class: number === client.partition ? "kit-name kit-hit" : "kit-name", x, y: y + 5 }, number);
  });
  const middle = client.partition === null ? ["any", "no key"] : [client.partition, "partition"];
  const hand = client.partition === null ? [] : [svg("line", {
    class: "kit-hand", x1: CENTRE, y1: CENTRE, x2: at((client.partition + 0.5) / count, INNER)[0],
    y2: at((client.partition + 0.5) / count, INNER)[1],
  })];
  picture.replaceChildren(
    ...sectors, ...dots(client, count), ...hand, svg("circle", { class: "kit-hub", cx: CENTRE, cy: CENTRE, r: 36 }),
    svg("text", { class: "kit-place", x: CENTRE, y: CENTRE + 6 }, middle[0]),
    svg("text", { class: "kit-under", x: CENTRE, y: CENTRE + 21 }, middle[1]), ...labels,
  );
}

function makeClient(model, number) {
  const root = element("figure", `kit-client kit-client-${number}`);
  const head = element("figcaption");
  const name = element("div", "kit-title");
  const who = element("div", "kit-quiet");
  head.append(name, who);
  const picture = svg("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, "aria-hidden": "true" });
  const words = element("div", "kit-words");
  const hash = element("div");
  const arithmetic = element("div", "kit-code");
  words.append(hash, arithmetic);
  root.append(head, picture, words);
  let send = null;
  if (model.get("topic")) {
    send = element("button");
    send.type = "button";
    root.append(send);
  }

  function draw(client, count, noKey) {
    setText(name, client.name);
    setText(who, client.who);
    drawWheel(picture, client, count);
    setText(hash, noKey || `hash of the key: ${client.hash}, in decimal ${client.arithmetic.match(/\d+/)[0]}`);
    setText(arithmetic, noKey ? "" : client.arithmetic);
    if (send) setText(send, `Send it as ${client.name === "CRC32" ? "librdkafka" : "kafka-python"} does`);
  }
  return { root, draw, send };
}

function makeSlider(text, onInput) {
  const label = element("label", "", text);
  const input = element("input");
  Object.assign(input, { type: "range", min: 1, max: 24, step: 1 });
  const number = element("output");
  label.append(input, number);
  input.addEventListener("input", () => { setText(number, input.value); onInput(Number(input.value)); });
  const show = (value) => { input.value = value; setText(number, String(value)); };
  return { label, show };
}

function makeTwin() {
  const details = element("details");
  const table = element("table");
  const caption = element("caption", "kit-hidden", "Sample keys and the key by partition");
  const head = element("thead");
  const body = element("tbody");
  table.append(caption, head, body);
  details.append(element("summary", "", "The same as a table"), table);

  function draw(picture) {
    const count = picture.asked[1];
    const line = element("tr");
    for (const text of ["Partition", ...picture.clients.flatMap(({ name }) => [`${name}: sample keys`, "of these moved", "your key"])]) {
      const cell = element("th", text === "your key" ? "" : "kit-number", text);
      cell.scope = "col";
      line.append(cell);
    }
    head.replaceChildren(line);
    body.replaceChildren(...Array.from({ length: count }, (_, number) => {
      const row = element("tr");
      const first = element("th", "kit-number", number);
      first.scope = "row";
      row.append(first);
      for (const { sample, moved, partition } of picture.clients) {
        const here = sample.map((each, index) => (each === number ? moved[index] : "")).join("");
        row.append(element("td", "kit-number", here.length), element("td", "kit-number", here.replaceAll("0", "").length),
          element("td", "", partition === number ? "here" : ""));
      }
      return row;
    }));
  }
  return { details, draw };
}

function render({ model, el }) {
  const topic = model.get("topic");
  const root = element("section", "kit-widget kit-wheel");
  root.setAttribute("aria-label", "Hash wheel");
  const key = element("input");
  Object.assign(key, { type: "text", autocomplete: "off", spellcheck: false, maxLength: 500, placeholder: "no key" });
  const keyLabel = element("label", "", "Key");
  keyLabel.append(key);

  function change(trait, value) {
    model.set(trait, value);
    patience.ask(() => model.save_changes());
  }
  const now = makeSlider("Partitions", (value) => change("partitions", value));
  const before = makeSlider("compared with", (value) => change("before", value));
  const bar = element("div", "kit-bar");
  bar.append(keyLabel, now.label, before.label);

  const clients = [makeClient(model, 1), makeClient(model, 2)];
  const both = element("div", "kit-clients");
  both.append(...clients.map((client) => client.root));
  const legend = element("div", "kit-legend");
  const mark = (sign, text) => {
    const part = element("span");
    const shape = svg("svg", { viewBox: "0 0 10 10", width: 12, height: 12, "aria-hidden": "true" });
    shape.append(sign);
    part.append(shape, ` ${text}`);
    return part;
  };
  legend.append(
    mark(svg("circle", { class: "kit-dot", cx: 5, cy: 5, r: 3 }), "a sample key that stays"),
    mark(svg("path", { class: "kit-mover", d: "M 2 2 l 6 6 m 0 -6 l -6 6" }), "one that moves"),
  );
  const sentence = element("div", "kit-sentence");
  sentence.setAttribute("role", "status");
  const trouble = element("div", "kit-trouble");
  trouble.setAttribute("role", "alert");
  const answer = element("div", "kit-answer");
  answer.setAttribute("role", "status");
  answer.hidden = !topic;
  const table = makeTwin();
  root.append(bar, both, legend, sentence, answer, trouble, table.details);
  el.append(root);

  const patience = makePatience(trouble);
  const answered = () => patience.answered();

  function draw() {
    const picture = model.get("picture");
    const [askedKey, count] = picture.asked;
    if (askedKey === model.get("key") && count === model.get("partitions") && picture.asked[2] === model.get("before")) answered();
    clients.forEach((client, index) => client.draw(picture.clients[index], count, picture.no_key));
    setText(sentence, picture.sentence);
    table.draw(picture);
  }
  function drawControls() {
    if (document.activeElement !== key) key.value = model.get("key");
    now.show(model.get("partitions"));
    before.show(model.get("before"));
  }
  function drawAnswer() {
    const said = model.get("said");
    answered();
    answer.dataset.done = said.done ?? "";
    setText(answer, said.text ?? `Not sent yet. The buttons send a record with this key to ${topic}.`);
  }

  key.addEventListener("input", () => change("key", key.value));
  clients.forEach(({ send }, index) => send?.addEventListener("click", () => {
    setText(answer, "Sending …");
    patience.ask(() => model.send({ type: "send", hash: model.get("picture").clients[index].name, key: key.value }));
  }));
  // A key pressed here must not reach the notebook's own shortcuts (typing "b" would insert a cell).
  root.addEventListener("keydown", (event) => event.stopPropagation());
  model.on("change:picture", draw);
  model.on("change:key change:partitions change:before", drawControls);
  model.on("change:said", drawAnswer);
  drawControls();
  draw();
  drawAnswer();
  return () => {
    patience.stop();
    model.off("change:picture", draw);
    model.off("change:key change:partitions change:before", drawControls);
    model.off("change:said", drawAnswer);
  };
}

export default { render };
