// The name linter: a field, findings while one types, and the cluster's own answer. All text is set with textContent.
const TYPING_MS = 200;
const SILENCE_MS = 4000; // longer than a kernel takes that is not busy

let made = 0;

function render({ model, el }) {
  made += 1;
  const root = element("section", "kit-widget kit-linter");
  root.setAttribute("aria-label", "Name linter");
  const field = Object.assign(element("input", "kit-code"), { type: "text", value: model.get("name"), maxLength: 400, spellcheck: false, autocapitalize: "off", id: `kit-linter-${made}` });
  const label = element("label", "kit-title", "Name of a topic");
  label.htmlFor = field.id;
  const length = element("span", "kit-quiet");
  const bar = element("div", "kit-bar");
  bar.append(label, field, length);

  const kafka = element("div", "kit-verdict");
  kafka.append(element("span", "kit-sign"), element("strong", "", "Kafka"), element("span", "kit-words"));
  const team = element("div", "kit-verdict");
  team.append(element("span", "kit-sign"), element("strong", "", "The team"), element("span", "kit-words"));
  const list = element("ul", "kit-findings");
  const take = element("button");
  take.type = "button";
  const live = element("div", "kit-hidden");
  live.setAttribute("role", "status");
  const stopped = element("p", "kit-note");
  stopped.setAttribute("role", "alert");
  root.append(stopped, bar, kafka, team, list, take, live);
  el.append(root);

  let typing = 0;
  let silence = 0;
  let isSilent = false;
  const isStale = () => model.get("verdict").name !== field.value.slice(0, 400);
  function judge(name) {
    try {
      model.send({ type: "name", name });
    } catch {
      // The kernel is gone; the silence is told in words.
    }
    if (silence) return;
    silence = setTimeout(() => { silence = 0; isSilent = isStale(); draw(); }, SILENCE_MS);
  }
  field.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => judge(field.value), TYPING_MS);
  });

  function use(name) {
    field.value = name;
    field.focus();
    judge(name);
  }
  take.addEventListener("click", () => use(model.get("verdict").better));

  function sign(part, isGood, words) {
    part.dataset.good = String(isGood);
    part.querySelector(".kit-sign").textContent = isGood === null ? "…" : isGood ? "✔" : "✘";
    part.querySelector(".kit-words").textContent = words;
  }

  function draw() {
    const { name, findings, better, characters } = model.get("verdict");
    const answer = model.get("kafka");
    const isAnswered = answer.name === name;
    const own = findings.filter((each) => each.kind === "convention");
    if (!isStale()) isSilent = false;
    stopped.textContent = isSilent
      ? `The kernel does not answer: what stands below is about “${name}”. Is it busy with another cell, or was it restarted? Then run this cell again.`
      : model.get("ended");
    stopped.hidden = !stopped.textContent;
    root.classList.toggle("kit-stale", isSilent);
    kafka.hidden = !answer.text;
    sign(kafka, isAnswered ? answer.takes : null, isAnswered ? answer.text : "is being asked …");
    const minded = own.length ? `minds ${own.length === 1 ? "one thing" : `${own.length} things`}.` : "has nothing against it.";
    const unread = findings.length > own.length && !own.length;
    sign(team, unread ? null : !own.length, unread ? "looks at it when it is legal." : minded);
    list.replaceChildren(...findings.map((each) => {
      const line = element("li");
      line.dataset.kind = each.kind;
      line.append(element("span", "kit-chip", each.kind === "kafka" ? "Kafka's rule" : "convention"), element("strong", "", each.rule), element("span", "", ` ${each.reason} `));
      if (each.suggestion) {
        const one = element("button", "kit-code", each.suggestion.length > 60 ? `${each.suggestion.slice(0, 60)}…` : each.suggestion);
        one.type = "button";
        one.setAttribute("aria-label", `Try ${each.suggestion}`);
        one.addEventListener("click", () => use(each.suggestion));
        line.append(one);
      }
      return line;
    }));
    take.hidden = !better;
    take.textContent = `Mend all of it: ${better.length > 60 ? `${better.slice(0, 60)}…` : better}`;
    length.textContent = `${characters} of 249 characters`;
    const spoken = `${answer.text ? `Kafka ${answer.text}` : ""} The team ${minded} ${findings.map((each) => each.reason).join(" ")}`;
    if (isAnswered || !answer.text) live.textContent = spoken;
  }

  // A key pressed in the view must not reach the notebook's own shortcuts (typing "b" would insert a cell).
  root.addEventListener("keydown", (event) => event.stopPropagation());
  model.on("change:verdict change:kafka change:ended", draw);
  draw();
  return () => {
    clearTimeout(typing);
    clearTimeout(silence);
    model.off("change:verdict change:kafka change:ended", draw);
  };
}

export default { render };
