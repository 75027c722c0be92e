// The instructor's bars. A bar is a picture of the two numbers beside it, so screen readers get the numbers. What others
// wrote is set with textContent: it is never read as HTML.
const ANNOUNCE_EVERY_MS = 4000;
const PHASES = { waiting: "waiting for the question", open: "voting is open", closed: "voting is closed", revealed: "the answer is out" };

function coded(node, text) {
  node.replaceChildren();
  text.split("`").forEach((part, place) => { if (part) node.append(place % 2 ? element("code", "", part) : part); });
  return node;
}

function bar(option) {
  const line = element("div", "kit-line");
  const share = element("span", "kit-share");
  const badge = element("span", "kit-badge");
  line.append(element("span", "kit-id", option.id), coded(element("span"), option.text), badge, share);
  const track = element("div", "kit-track");
  track.setAttribute("aria-hidden", "true");
  const fill = element("div", "kit-bar-fill");
  track.append(fill);
  const item = element("li");
  item.dataset.option = option.id;
  item.append(line, track);
  return {
    item,
    draw(now) {
      share.textContent = `${now.percent} % (${now.votes.toLocaleString()})`;
      fill.style.width = `${now.percent}%`;
      badge.hidden = !now.right;
      badge.textContent = now.right ? "✔ right" : "";
      item.classList.toggle("kit-right", now.right);
    },
  };
}

function render({ model, el }) {
  const root = element("section", "kit-widget kit-poll");
  root.setAttribute("aria-label", `Poll ${model.get("name")}`);
  const phase = element("span", "kit-phase");
  phase.setAttribute("role", "status");
  const head = element("div", "kit-bar");
  head.append(
    element("span", "kit-title", `Poll ${model.get("name")}`), phase,
    coded(element("span", "kit-quiet"), `Vote with \`kit.vote(cluster, "${model.get("name")}")\``),
  );
  const question = element("div", "kit-question");
  const list = element("ul");
  const why = element("div", "kit-why");
  const voters = element("span", "kit-voters");
  const live = element("span", "kit-hidden");
  live.setAttribute("aria-live", "polite");
  const refused = element("span", "kit-quiet kit-refused");
  const toggle = element("button");
  const reveal = element("button", "", "Reveal the answer");
  for (const button of [toggle, reveal]) button.type = "button";
  const trouble = element("div", "kit-trouble");
  trouble.setAttribute("role", "status");
  const foot = element("div", "kit-bar");
  foot.append(voters, toggle, reveal, refused, live);
  root.append(head, question, list, why, foot, trouble);
  el.append(root);

  const ask = (what) => { try { model.send({ do: what }); } catch { trouble.textContent = "The kernel does not answer."; } };
  toggle.addEventListener("click", () => ask(model.get("state").phase === "open" ? "close" : "reopen"));
  reveal.addEventListener("click", () => ask("reveal"));

  let drawn = "";
  let bars = [];
  let announced = { text: model.get("state").said, at: 0 }; // what is there at first is read when somebody comes to it
  function draw() {
    const state = model.get("state");
    phase.textContent = PHASES[state.phase];
    trouble.textContent = state.trouble;
    const waiting = state.phase === "waiting";
    for (const part of [list, foot]) part.hidden = waiting;
    why.hidden = !state.why;
    if (waiting) return;
    const shape = JSON.stringify([state.question, state.options.map((option) => [option.id, option.text])]);
    if (shape !== drawn) {
      drawn = shape;
      coded(question, state.question);
      bars = state.options.map(bar);
      list.replaceChildren(...bars.map((each) => each.item));
    }
    bars.forEach((each, place) => each.draw(state.options[place]));
    coded(why, state.why);
    voters.textContent = state.said;
    refused.textContent = state.refused;
    toggle.textContent = state.phase === "open" ? "Close voting" : "Reopen voting";
    toggle.hidden = state.phase === "revealed";
    reveal.hidden = state.phase === "revealed" || !state.can_reveal;
    announce(state);
  }
  function announce(state) {
    const now = Date.now();
    if (state.said === announced.text || now - announced.at < ANNOUNCE_EVERY_MS) return;
    live.textContent = state.said;
    announced = { text: state.said, at: now };
  }

  root.addEventListener("keydown", (pressed) => pressed.stopPropagation());
  model.on("change:state", draw);
  draw();
  return () => model.off("change:state", draw);
}

export default { render };
