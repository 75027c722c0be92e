// The student's form: radio buttons, or a field for a text. All texts are set with textContent.
const TELLS = {
  waiting: "Waiting for the question. It appears here by itself.",
  open: "Voting is open.",
  closed: "Voting is closed.",
  revealed: "The answer is out.",
};

function coded(node, text) {
  node.replaceChildren();
  text.split("`").forEach((part, place) => { if (part) node.append(place % 2 ? element("code", "", part) : part); });
  return node;
}

function render({ model, el }) {
  const name = model.get("name");
  const group = `vote-${name}-${Math.random()}`;
  const root = element("section", "kit-widget kit-ballot");
  root.setAttribute("aria-label", `Vote in poll ${name}`);
  const tells = element("span");
  tells.setAttribute("role", "status");
  const head = element("div", "kit-bar");
  head.append(element("span", "kit-title", `Poll ${name}`), tells);
  const set = element("fieldset");
  const send = element("button");
  send.type = "button";
  const said = element("span");
  said.setAttribute("role", "status");
  const foot = element("div", "kit-bar");
  foot.append(send, said);
  const why = element("div", "kit-why");
  const trouble = element("div", "kit-trouble");
  trouble.setAttribute("role", "status");
  root.append(head, set, foot, why, trouble);
  el.append(root);

  let field = null;
  const badges = new Map();
  const chosen = () => field ? field.value.trim() : set.querySelector("input:checked")?.value ?? "";

  function fill(state) {
    const legend = coded(element("legend"), state.question);
    badges.clear();
    field = null;
    if (!state.options.length) {
      field = element("textarea");
      field.maxLength = state.most;
      field.setAttribute("aria-label", state.question);
      set.replaceChildren(legend, field);
      return;
    }
    const labels = state.options.map(([id, text]) => {
      const input = element("input");
      Object.assign(input, { type: "radio", name: group, value: id });
      const label = element("label", "kit-option");
      const badge = element("span", "kit-badge");
      badges.set(id, badge);
      label.append(input, element("strong", "", id), coded(element("span"), text), badge);
      return label;
    });
    set.replaceChildren(legend, ...labels);
  }

  let drawn = "";
  let mine = "";
  function draw() {
    const state = model.get("state");
    tells.textContent = TELLS[state.phase];
    trouble.textContent = state.trouble;
    for (const part of [set, foot]) part.hidden = state.phase === "waiting";
    why.hidden = !state.why;
    if (state.phase === "waiting") return;
    const shape = JSON.stringify([state.question, state.options]);
    if (shape !== drawn) {
      drawn = shape;
      mine = "";
      fill(state);
    }
    if (state.mine && state.mine !== mine) {
      mine = state.mine;
      if (field) field.value = mine;
      else for (const input of set.querySelectorAll("input")) input.checked = input.value === mine;
    }
    set.disabled = send.hidden = state.phase !== "open";
    for (const [id, badge] of badges) {
      badge.textContent = [id === state.mine && "your vote", state.right.includes(id) && "✔ right"].filter(Boolean).join(", ");
    }
    send.textContent = state.mine ? "Change my vote" : field ? "Send" : "Vote";
    coded(why, state.why);
    if (said.textContent !== state.said) said.textContent = state.said;
  }

  send.addEventListener("click", () => {
    if (!chosen()) { said.textContent = field ? "Type something first." : "Choose an option first."; return; }
    try {
      model.send({ vote: chosen() });
    } catch {
      trouble.textContent = "The kernel does not answer. Run this cell again.";
    }
  });
  root.addEventListener("keydown", (pressed) => pressed.stopPropagation());
  model.on("change:state", draw);
  draw();
  return () => model.off("change:state", draw);
}

export default { render };
