// The sizing estimator: a form; the kernel computes and plays the load tests. All text is set with textContent.
const FIELDS = [
  ["What the topic has to carry", [["target", "Target", "MB/s"]]],
  ["What was measured with one partition", [
    ["producer_rate", "A producer writes", "MB/s"], ["consumer_rate", "A consumer reads", "MB/s"]]],
  ["What is kept", [["retention_days", "Retention", "days"], ["replication_factor", "Replication factor", ""]]],
  ["Clients on the slide", [["producers", "Producers", ""], ["consumers", "Consumers", ""]]],
];
const HEADINGS = ["Second", "Made", "Written", "Waiting at the producers", "Lag of the consumers"];
const BAR_PX = 170;
const SVG = "http://www.w3.org/2000/svg";
const NAMES = { carried: "carried each second", waiting: "waiting at the producers", lag: "lag of the consumers" };

function makeButton(text, onPress) {
  const button = element("button", "", text);
  button.type = "button";
  button.addEventListener("click", onPress);
  return button;
}

function makeForm(onInput) {
  const root = element("div", "kit-form");
  const inputs = new Map();
  for (const [legend, fields] of FIELDS) {
    const group = element("fieldset");
    group.append(element("legend", "", legend));
    for (const [name, text, unit] of fields) {
      const label = element("label");
      const input = element("input");
      Object.assign(input, { type: "number", min: 0, step: "any", autocomplete: "off" });
      input.addEventListener("input", onInput);
      inputs.set(name, input);
      label.append(element("span", "kit-what", text), input, element("span", "kit-unit", unit));
      group.append(label);
    }
    root.append(group);
  }
  const read = () => Object.fromEntries([...inputs].map(([name, input]) => [name, input.value === "" ? null : Number(input.value)]));
  const show = (asked) => {
    for (const [name, input] of inputs) {
      if (document.activeElement !== input) input.value = asked[name] ?? "";
    }
  };
  return { root, read, show };
}

function makeFigure(unit) {
  const root = element("div", "kit-figure");
  const number = element("span", "kit-big");
  const word = element("span", "kit-what", unit);
  root.append(number, word);
  return {
    root,
    set: (value) => {
      setText(number, typeof value === "number" ? value.toLocaleString("en") : value);
      setText(word, value === 1 ? unit.replace(/s$/, "") : unit);
    },
  };
}

function makeAnswer() {
  const root = element("div", "kit-answer");
  root.setAttribute("role", "status");
  const figures = element("div", "kit-figures");
  const all = { partitions: "partitions", producers: "producers", consumers: "consumers", stored: "on disk" };
  const made = Object.entries(all).map(([name, unit]) => [name, makeFigure(unit)]);
  figures.append(...made.map(([, figure]) => figure.root));
  const error = element("div", "kit-trouble");
  const sentence = element("p");
  const clients = element("p");
  root.append(error, figures, sentence, clients);

  function draw(result) {
    root.classList.toggle("kit-wrong", Boolean(result.error));
    setText(error, result.error);
    figures.hidden = sentence.hidden = clients.hidden = Boolean(result.error);
    if (result.error) return;
    for (const [name, figure] of made) figure.set(result[name]);
    setText(sentence, result.sentence);
    setText(clients, result.clients);
  }
  return { root, draw };
}

function makeTest() {
  const root = element("div", "kit-test");
  const headline = element("div", "kit-title");
  const verdict = element("div", "kit-verdict");
  verdict.setAttribute("role", "status");
  const table = element("table");
  const caption = element("caption", "kit-hidden", "The load test, second by second");
  const line = element("tr");
  for (const text of HEADINGS) {
    const cell = element("th", "kit-number", text);
    cell.scope = "col";
    line.append(cell);
  }
  line.append(element("td"));
  const head = element("thead");
  head.append(line);
  const body = element("tbody");
  table.append(caption, head, body);
  const legend = element("div", "kit-legend");
  for (const [name, text] of Object.entries(NAMES)) legend.append(element("i", `kit-${name}`), ` ${text} `);
  legend.append(element("i", "kit-limit"), " the limit of one");
  const scroll = element("div", "kit-scroll");
  scroll.tabIndex = 0; // can be scrolled by keyboard where it is too wide
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", "The load test, second by second");
  scroll.append(table);
  const margins = element("div");
  const picture = document.createElementNS(SVG, "svg"); // the sentence before it and the table say the same
  picture.setAttribute("aria-hidden", "true");
  const details = element("details");
  details.append(element("summary", "", "Second by second"), scroll);
  root.append(headline, verdict, margins, picture, legend, details);

  function drawPicture({ view_box: box, shapes }) {
    picture.setAttribute("viewBox", box);
    picture.style.maxWidth = `${box.split(" ")[2]}px`;
    picture.replaceChildren(...shapes.map(([tag, attributes, text]) => {
      const node = document.createElementNS(SVG, tag);
      for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
      node.textContent = text;
      return node;
    }));
  }

  function draw(test) {
    root.hidden = !test.state;
    if (!test.state) return;
    root.dataset.state = test.state;
    setText(headline, test.headline ? `${test.headline} (topic ${test.topic})` : "");
    const sign = { "keeps up": "✔ ", "falls behind": "✘ " }[test.state] ?? "";
    setText(verdict, sign + test.text);
    setText(margins, test.margins ?? "");
    picture.toggleAttribute("hidden", !test.picture);
    if (test.picture) drawPicture(test.picture);
    details.hidden = legend.hidden = !test.rows.length;
    details.open = test.state === "falls behind";
    const most = Math.max(...test.rows.map((row) => row[3] + row[4]), test.rows[0]?.[1] ?? 1);
    body.replaceChildren(...test.rows.map((row) => {
      const tr = element("tr");
      tr.append(...row.map((number) => element("td", "kit-number", number.toLocaleString("en"))));
      const bars = element("td", "kit-bars");
      bars.setAttribute("aria-hidden", "true");
      for (const [name, number] of [["kit-waiting", row[3]], ["kit-lag", row[4]]]) {
        if (!number) continue;
        const bar = element("i", name);
        bar.style.width = `${Math.max((BAR_PX * number) / most, 2)}px`;
        bars.append(bar);
      }
      tr.append(bars);
      return tr;
    }));
  }
  return { root, draw };
}

function render({ model, el }) {
  const root = element("section", "kit-widget kit-sizing");
  root.setAttribute("aria-label", "Sizing estimator");
  const form = makeForm(() => change(form.read()));
  const reset = makeButton("The slide's numbers", () => { const slide = model.get("slide"); change(slide); form.show(slide); });
  const left = element("div", "kit-left");
  left.append(form.root, reset);

  const answer = makeAnswer();
  const why = element("details");
  const whySummary = element("summary");
  const whyText = element("p");
  why.append(whySummary, whyText);
  const tryEstimate = makeButton("", () => order("estimate"));
  const trySlide = makeButton("", () => order("slide"));
  const tries = element("div", "kit-bar");
  tries.append(tryEstimate, trySlide);
  tries.hidden = !model.get("can_test");
  const trouble = element("div", "kit-trouble");
  trouble.setAttribute("role", "alert");
  const right = element("div", "kit-right");
  right.append(answer.root, why, tries, trouble);
  const both = element("div", "kit-halves");
  both.append(left, right);
  const test = makeTest();
  root.append(both, test.root);
  el.append(root);

  const patience = makePatience(trouble);
  const answered = () => patience.answered();
  function change(asked) {
    model.set("asked", asked);
    patience.ask(() => model.save_changes());
  }
  function order(which) {
    patience.ask(() => model.send({ type: "try", which, asked: form.read() }));
  }

  function draw() {
    const result = model.get("result");
    answered();
    answer.draw(result);
    why.hidden = Boolean(result.error);
    enableButtons();
    if (result.error) return;
    const slides = result.slides_answer.toLocaleString("en");
    setText(whySummary, result.slides_answer === result.partitions ? `The slide's way says ${slides} too. Is it right, then?`
      : `Why not ${slides}, as the slide would have it?`);
    setText(whyText, result.slide);
    setText(tryEstimate, `Load test with ${result.partitions.toLocaleString("en")}`);
    setText(trySlide, `Load test with the slide's ${result.slides_answer.toLocaleString("en")}`);
  }
  function drawTest() {
    const told = model.get("test");
    answered();
    test.draw(told);
    enableButtons();
  }
  function enableButtons() {
    const off = model.get("test").state === "running" || Boolean(model.get("result").error);
    for (const button of [tryEstimate, trySlide]) button.disabled = off;
  }
  const drawForm = () => form.show(model.get("asked"));

  // A key pressed here must not reach the notebook's own shortcuts (typing "b" would insert a cell).
  root.addEventListener("keydown", (event) => event.stopPropagation());
  model.on("change:asked", drawForm);
  model.on("change:result", draw);
  model.on("change:test", drawTest);
  drawForm();
  draw();
  drawTest();
  return () => {
    patience.stop();
    model.off("change:asked", drawForm);
    model.off("change:result", draw);
    model.off("change:test", drawTest);
  };
}

export default { render };
