// A quiz: fieldsets with real radio buttons, checkboxes and text fields. The kernel marks; this file only draws what it
// is told, and all texts are set with textContent: nothing in a quiz is ever read as HTML.
const TYPING_PAUSE_MS = 400;
const ANSWER_EXPECTED_MS = 4000;
const LATE = "Not saved yet: the kernel is busy, or it was stopped. If it was stopped, run this cell again.";

// The only markup there is: `code` between backticks, and a blank line between paragraphs.
function prose(text, tag = "span") {
  return text.split(/\n+/).filter((each) => each.trim()).map((paragraph) => {
    const node = element(tag, "kit-paragraph");
    paragraph.split("`").forEach((part, place) => { if (part) node.append(place % 2 ? element("code", "", part) : part); });
    return node;
  });
}

function points(number) {
  return number === 1 ? "1 point" : `${number} points`;
}

function choice(question, group, onChange) {
  const type = question.kind === "single choice" ? "radio" : "checkbox";
  const inputs = question.options.map((option) => {
    const input = element("input");
    Object.assign(input, { type, name: group, value: option.id });
    input.addEventListener("change", () => onChange(value()));
    return input;
  });
  const value = () => {
    const chosen = inputs.filter((input) => input.checked).map((input) => input.value);
    return type === "radio" ? chosen[0] ?? "" : chosen;
  };
  const nodes = inputs.map((input, place) => {
    const label = element("label", "kit-option");
    const text = element("span");
    text.append(...prose(question.options[place].text));
    label.append(input, text);
    return label;
  });
  const show = (answer) => {
    for (const input of inputs) input.checked = [].concat(answer ?? []).includes(input.value);
  };
  return { nodes, show, flush() {} };
}

function field(question, name, onChange, onEnter) {
  const input = element("input", question.kind === "number" ? "kit-short" : "");
  input.type = "text";
  input.autocomplete = "off";
  input.spellcheck = false;
  if (question.kind === "number") input.inputMode = "decimal";
  let timer = null;
  const flush = () => {
    if (timer === null) return;
    clearTimeout(timer);
    timer = null;
    onChange(input.value);
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(flush, TYPING_PAUSE_MS);
  });
  input.addEventListener("blur", flush);
  input.addEventListener("keydown", (pressed) => { if (pressed.key === "Enter") { flush(); onEnter(); } });
  const label = element("label", "kit-field");
  label.append(element("span", "", "Your answer"), input);
  if (question.unit) label.append(element("span", "", question.unit));
  const show = (answer) => { if (timer === null && document.activeElement !== input) input.value = answer ?? ""; };
  return { nodes: [label], show, flush };
}

function render({ model, el }) {
  const quiz = model.get("quiz");
  const view = crypto.randomUUID ? crypto.randomUUID() : String(Math.random());
  const root = element("section", "kit-widget kit-quiz");
  root.setAttribute("aria-label", `Quiz: ${quiz.title}`);
  root.append(element("div", "kit-title", quiz.title), ...prose(quiz.about, "div"));

  // -- what is sent to the kernel, and whether it was heard ------------------------------------------------------------
  const waiting = new Map();
  let number = 0;
  function ask(content) {
    number += 1;
    const timer = setTimeout(() => { trouble.textContent = LATE; }, ANSWER_EXPECTED_MS);
    waiting.set(number, { timer, question: content.question });
    try {
      model.send({ ...content, number, view });
    } catch {
      trouble.textContent = LATE;
    }
  }
  function heard(answer) {
    if (answer.view !== view) return;
    for (const [sent, { timer }] of waiting) if (sent <= answer.heard) { clearTimeout(timer); waiting.delete(sent); }
    const card = cards.get(answer.question);
    if (trouble.textContent === LATE) trouble.textContent = "";
    draw();
    if (answer.trouble && card) card.say(answer.trouble);
    else if (answer.trouble) trouble.textContent = answer.trouble;
  }

  // -- one card for each question --------------------------------------------------------------------------------------
  const cards = new Map();
  quiz.questions.forEach((question, place) => {
    const set = element("fieldset");
    set.dataset.question = question.id;
    const legend = element("legend");
    const several = question.kind === "multiple choice" ? ", choose all that are right" : "";
    legend.append(
      element("span", "kit-place", `Question ${place + 1} of ${quiz.questions.length}, ${points(question.points)}${several}`),
      ...prose(question.text),
    );
    const mark = element("div", "kit-mark");
    mark.setAttribute("role", "status");
    const onChange = (answer) => { mark.replaceChildren(); ask({ do: "answer", question: question.id, answer }); };
    const check = () => { if (quiz.feedback === "at once") { input.flush(); ask({ do: "check", question: question.id }); } };
    const input = question.options.length
      ? choice(question, `${view}-${question.id}`, onChange)
      : field(question, question.id, onChange, check);
    set.append(legend, ...input.nodes);
    if (quiz.feedback === "at once") {
      const button = element("button", "", "Check");
      button.type = "button";
      button.setAttribute("aria-label", `Check question ${place + 1}`);
      button.addEventListener("click", check);
      const actions = element("div", "kit-actions");
      actions.append(button);
      set.append(actions);
    }
    // Outside of the fieldset, so that what is told stays readable when the answer is locked.
    const block = element("div");
    block.append(set, mark);
    root.append(block);
    let drawn = "";
    cards.set(question.id, {
      flush: input.flush,
      say(text) {
        const box = element("div");
        box.append(element("strong", "", text));
        mark.replaceChildren(box);
        drawn = "";
      },
      draw(progress) {
        // What was clicked since is newer than what the kernel has told.
        if (![...waiting.values()].some((sent) => sent.question === question.id)) input.show(progress.answers[question.id]);
        set.disabled = progress.locked.includes(question.id);
        const told = progress.marks[question.id];
        const now = told ? JSON.stringify(told) : "";
        if (now === drawn && mark.childElementCount) return;
        drawn = now;
        if (!told) return mark.replaceChildren();
        const box = element("div", told.right ? "kit-right" : "");
        box.append(element("strong", "", told.word));
        for (const [about, text] of told.notes) {
          const line = element("p");
          if (about && told.notes.length > 1) line.append(...prose(about).map((node) => { node.className = "kit-about"; return node; }), ": ");
          line.append(...prose(text).map((node) => { node.className = ""; return node; }));
          box.append(line);
        }
        mark.replaceChildren(box);
      },
    });
  });

  // -- the end ---------------------------------------------------------------------------------------------------------
  const end = element("div", "kit-bar kit-end");
  const score = element("span", "kit-score");
  score.setAttribute("role", "status");
  const finish = element("button");
  finish.type = "button";
  finish.addEventListener("click", () => {
    for (const card of cards.values()) card.flush();
    ask({ do: model.get("progress").finished ? "try_again" : "finish" });
  });
  if (quiz.feedback === "at the end") end.append(finish);
  end.append(score, element("span", "kit-quiet", `Your answers are kept in ${quiz.kept}, on this computer.`));
  const trouble = element("div", "kit-trouble");
  trouble.setAttribute("role", "status");
  root.append(end, trouble);
  el.append(root);

  function draw() {
    const progress = model.get("progress");
    for (const card of cards.values()) card.draw(progress);
    if (score.textContent !== progress.score) score.textContent = progress.score;
    finish.textContent = progress.finished ? "Try again" : "Finish and show what was right";
    finish.hidden = progress.finished && !quiz.retry;
    if (trouble.textContent !== LATE) trouble.textContent = progress.trouble;
  }

  // A key pressed in the quiz must not reach the notebook's own shortcuts: arrows choose an option, not a cell.
  root.addEventListener("keydown", (pressed) => pressed.stopPropagation());
  model.on("change:progress", draw);
  model.on("msg:custom", heard);
  draw();
  return () => {
    for (const { timer } of waiting.values()) clearTimeout(timer);
    model.off("change:progress", draw);
    model.off("msg:custom", heard);
  };
}

export default { render };
