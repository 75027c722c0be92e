// The failure matrix: twelve rows in four groups, a prediction for each, and what a real run of it came to.
const ANNOUNCE_EVERY_MS = 1500;
const LATE_MS = 5000;
const LATE = "The kernel does not answer: it is busy with a cell, or it was stopped. If it was stopped, run this cell again.";

// Letter and pattern say it as well as the colour: K, R and L.
const LOOKS = { "taken and kept": ["K", "kept"], "refused": ["R", "refused"], "may be lost": ["L", "lost"] };

function badge(word) {
  const [letter, look] = LOOKS[word] || ["?", "none"];
  const node = element("span", `kit-badge kit-${look}`);
  const sign = element("span", "kit-sign", letter);
  sign.setAttribute("aria-hidden", "true");
  node.append(sign, element("span", "", word));
  return node;
}

function render({ model, el }) {
  const matrix = model.get("matrix");
  const unique = `kit-matrix-${Math.random().toString(36).slice(2)}`;
  const root = element("section", "kit-widget kit-matrix");
  root.setAttribute("aria-label", "Failure matrix");

  const score = element("span", "kit-quiet kit-count");
  const all = element("button", "kit-run", "Run all");
  all.type = "button";
  all.addEventListener("click", () => ask("all"));
  const bar = element("div", "kit-bar");
  bar.append(element("span", "kit-title", "What becomes of the record?"), score, all);

  const status = element("div", "kit-status");
  const live = element("div", "kit-hidden");
  live.setAttribute("role", "status"); // the same for ears, not as fast

  const scroll = element("div", "kit-scroll");
  const table = element("table");
  table.append(element("caption", "kit-hidden", "Rows by failure: settings, your prediction, and what came out"));
  const head = element("tr");
  for (const [name, title] of [
    ["", "row"], ["replication factor", ""], ["acks", ""], ["min.insync.\u200breplicas", ""],
    ["You say", ""], ["What came out, and why", ""],
  ]) {
    const cell = element("th", "", name);
    cell.scope = "col";
    if (title) cell.title = title;
    if (!name) cell.append(element("span", "kit-hidden", title));
    head.append(cell);
  }
  const thead = element("thead");
  thead.append(head);
  table.append(thead);

  let late = 0; // a timer that runs while an answer is due
  function tellLate() {
    status.textContent = live.textContent = LATE;
  }
  function tellKernel(message) {
    clearTimeout(late);
    late = setTimeout(tellLate, LATE_MS);
    try {
      message();
    } catch { // its connection is closed
      tellLate();
    }
  }
  function ask(failure) {
    tellKernel(() => model.send({ type: "run", failure }));
  }

  const rows = {};
  const groups = {};

  function choice(row, word) {
    const input = element("input");
    input.type = "radio";
    input.name = `${unique}-${row.number}`;
    input.value = word;
    input.addEventListener("change", () => {
      model.set("chosen", { ...model.get("chosen"), [row.number]: word });
      tellKernel(() => model.save_changes());
    });
    const label = element("label", "kit-choice");
    label.append(input, badge(word));
    return { input, label };
  }

  function rowOf(row) {
    const line = element("tr");
    line.dataset.row = row.number;
    const number = element("th", "kit-number", row.number);
    number.scope = "row";
    const acks = element("td");
    acks.append(element("code", "kit-code", row.acks));
    const minimum = element("td", "", row.min);
    if (row.unclean) minimum.append(element("div", "kit-note", "unclean election allowed"));
    const said = element("td");
    const set = element("div", "kit-choices");
    set.setAttribute("role", "radiogroup");
    const unclean = row.unclean ? ", unclean election allowed" : "";
    set.setAttribute(
      "aria-label",
      `Prediction for row ${row.number}: replication factor ${row.rf}, acks ${row.acks}, ` +
        `min.insync.replicas ${row.min}${unclean}`,
    );
    const choices = matrix.words.map((word) => choice(row, word));
    set.append(...choices.map((each) => each.label));
    said.append(set);
    const came = element("td", "kit-came");
    line.append(number, element("td", "", row.rf), acks, minimum, said, came);
    rows[row.number] = { choices, came, line };
    return line;
  }

  for (const failure of matrix.failures) {
    const body = element("tbody");
    const line = element("tr", "kit-failure");
    const cell = element("th");
    cell.colSpan = 6;
    cell.scope = "rowgroup";
    const run = element("button", "kit-run");
    run.type = "button";
    run.addEventListener("click", () => ask(failure.name));
    const steps = element("ol", "kit-steps");
    const top = element("div", "kit-failure-top");
    top.append(element("span", "kit-failure-title", `${failure.name}. ${failure.title}`), run);
    cell.append(top, element("div", "kit-text", failure.text), steps);
    line.append(cell);
    body.append(line, ...failure.rows.map(rowOf));
    table.append(body);
    groups[failure.name] = { run, steps, failure };
  }
  scroll.append(table);
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", "The rows of the matrix");

  const code = element("pre", "kit-code");
  const details = element("details");
  details.append(element("summary", "", "Your predictions in Python (copy them into a cell to keep them)"), code);
  root.append(bar, status, live, scroll, details);
  el.append(root);

  function drawChosen() {
    const chosen = model.get("chosen");
    for (const [number, row] of Object.entries(rows)) {
      for (const { input, label } of row.choices) {
        input.checked = chosen[number] === input.value;
        label.classList.toggle("kit-chosen", input.checked);
      }
    }
    drawRuns();
  }

  function unpredicted(failure) {
    const chosen = model.get("chosen");
    return failure.rows.filter((row) => !chosen[row.number]).length;
  }

  function drawRuns() {
    const feed = model.get("feed");
    const states = Object.values(feed.failures).map((each) => each.state);
    const busy = states.includes("running") || states.includes("waiting");
    let left = 0;
    for (const [name, { run, steps, failure }] of Object.entries(groups)) {
      const { state, steps: done } = feed.failures[name];
      const open = unpredicted(failure);
      left += open;
      run.textContent = { running: "Running …", waiting: "Waiting …", done: `Run ${name} again` }[state] ||
        (open ? `Predict ${open} more` : `Run ${name}`);
      disable(run, busy || (open > 0 && state !== "done"));
      steps.hidden = state !== "running";
      steps.replaceChildren(...done.map((each) => element("li", "", each)));
    }
    const ready = Object.values(groups).some(({ failure }) => unpredicted(failure) === 0);
    all.textContent = busy ? "Running …" : left && ready ? "Run what is predicted" : "Run all";
    disable(all, busy || !ready);
  }

  // Not the attribute "disabled": the button would lose the focus, and a screen reader its place.
  function disable(button, off) {
    button.setAttribute("aria-disabled", String(off));
  }
  root.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button && button.getAttribute("aria-disabled") === "true") event.stopImmediatePropagation();
  }, true);

  let announced = 0;
  function drawFeed() {
    clearTimeout(late);
    const feed = model.get("feed");
    score.textContent = feed.score;
    code.textContent = feed.python;
    for (const [number, row] of Object.entries(rows)) drawRow(row, feed.rows[number], model.get("chosen")[number]);
    drawRuns();
    status.textContent = feed.status;
    const now = Date.now();
    const quiet = Object.values(feed.failures).every((each) => each.state !== "running");
    if (quiet || now - announced > ANNOUNCE_EVERY_MS) {
      live.textContent = feed.status;
      announced = now;
    }
  }

  function drawRow(row, result, said) {
    row.line.classList.toggle("kit-right", Boolean(result && said && result.right));
    row.line.classList.toggle("kit-wrong", Boolean(result && said && !result.right));
    if (!result || !said) {
      // What came out is no secret, but seeing it first would spoil the prediction.
      const words = result ? "It was run. Say what you think, and you see what came out." : "not run yet";
      row.came.replaceChildren(element("span", "kit-quiet", words));
      return;
    }
    const verdict = result.right ? "✔ as you said" : "✘ not as you said";
    const first = element("div", "kit-verdict");
    first.append(badge(result.outcome), element("span", "kit-agrees", verdict));
    row.came.replaceChildren(first, element("div", "kit-why", result.why));
  }

  // A key pressed in the matrix must not reach the notebook's own shortcuts.
  root.addEventListener("keydown", (event) => event.stopPropagation());
  model.on("change:chosen", drawChosen);
  model.on("change:feed", drawFeed);
  drawChosen();
  drawFeed();
  return () => {
    clearTimeout(late);
    model.off("change:chosen", drawChosen);
    model.off("change:feed", drawFeed);
  };
}

export default { render };
