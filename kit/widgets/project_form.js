// The form for a project plan. It saves while one types, and ticks off what is there. "Saved" is only said when the
// kernel has said so; until then the browser keeps the text, and gives it to the next form for the same file.
const TYPING_MS = 400;
const SILENCE_MS = 4000; // longer than a kernel takes that is not busy

// What was typed and is not in the file yet. A browser that stores nothing has no draft, and the form still works.
function makeDraft(place) {
  const key = `kit-project-draft-${place}`;
  return {
    keep(content) { try { localStorage.setItem(key, JSON.stringify(content)); return true; } catch { return false; } },
    drop() { try { localStorage.removeItem(key); } catch { /* nothing was kept */ } },
    found() {
      try {
        const found = JSON.parse(localStorage.getItem(key));
        return typeof found?.title === "string" && found.texts ? found : null;
      } catch { return null; }
    },
  };
}

function makeSection(section, id, onInput) {
  const root = element("section", "kit-project-part");
  root.setAttribute("aria-label", section.heading);
  const field = element("textarea");
  field.id = `${id}-${section.id}`;
  field.rows = 8;
  field.maxLength = 20000;
  const name = element("label", "kit-title", section.heading);
  name.htmlFor = field.id;
  const prompts = element("ul", "kit-project-prompts");
  prompts.id = `${field.id}-prompts`;
  prompts.append(...section.prompts.map((prompt) => element("li", "", prompt)));
  field.setAttribute("aria-describedby", prompts.id);
  const list = element("ul", "kit-project-items");
  list.setAttribute("aria-label", `What ${section.heading} should have`);
  const left = element("div");
  // The form is longer than a screen: what is lost is told where it was typed too.
  const note = element("p", "kit-project-lost");
  note.setAttribute("aria-hidden", "true"); // the line at the end says it
  note.hidden = true;
  left.append(name, field, note);
  const right = element("div");
  right.append(prompts, list);
  root.append(left, right);
  field.addEventListener("input", onInput);
  return { root, field, list, note };
}

function itemLine(item) {
  const line = element("li", item.is_there ? "kit-project-there" : "");
  const sign = element("span", "kit-project-sign", item.is_there ? "✔" : "○");
  sign.setAttribute("aria-hidden", "true");
  line.append(sign, element("span", "kit-hidden", item.is_there ? "there: " : "missing: "), item.words);
  if (!item.is_there && item.hint) line.append(element("div", "kit-quiet", item.hint));
  return line;
}

function render({ model, el }) {
  const root = element("div", "kit-widget kit-project");
  const id = `kit-project-${Math.random().toString(36).slice(2)}`;
  const draft = makeDraft(model.get("place"));
  const head = element("div", "kit-project-head");
  const label = element("label", "kit-title", "What is your project called?");
  const title = element("input");
  title.id = `${id}-title`;
  label.htmlFor = title.id;
  title.maxLength = 120;
  head.append(label, title);
  const old = element("div", "kit-project-old");
  old.setAttribute("role", "group");
  old.setAttribute("aria-label", "Text that was not saved");
  old.hidden = true;
  root.append(old, head);

  let typing = 0;
  let silence = 0;
  let sent = 0;
  let answered = 0;
  let lost = ""; // why what was typed is not in the file
  const isOpen = () => typing !== 0 || answered < sent || lost !== "";
  const sections = new Map(model.get("sections").map((each) => [each.id, makeSection(each, id, changed)]));
  for (const { root: part } of sections.values()) root.append(part);
  title.addEventListener("input", changed);
  root.addEventListener("focusout", () => { if (typing) save(); });

  const foot = element("div", "kit-project-foot");
  const count = element("strong");
  const status = element("span");
  foot.setAttribute("role", "status");
  foot.append(count, " ", status);
  root.append(foot);
  // Typing belongs to the form, not to the notebook's shortcuts.
  root.addEventListener("keydown", (event) => event.stopPropagation());
  el.append(root);

  const content = () => ({
    title: title.value,
    texts: Object.fromEntries([...sections].map(([section, { field }]) => [section, field.value])),
  });
  const fill = (from) => {
    title.value = from.title;
    for (const [section, { field }] of sections) field.value = from.texts[section] ?? "";
  };

  function changed() {
    const isKept = draft.keep({ ...content(), version: model.get("version") });
    lost = lost && notAnswered(isKept);
    clearTimeout(typing);
    typing = setTimeout(save, TYPING_MS);
    drawStatus();
  }
  function notAnswered(isKept) {
    return "NOT saved: the kernel does not answer. It is busy with another cell, or it was restarted. Wait, or run " +
      `this cell again.${isKept ? " Your text stays in this browser meanwhile, and comes back then." : " Copy your text first: this browser does not keep it."}`;
  }
  function save() {
    clearTimeout(typing);
    typing = 0;
    sent += 1;
    try {
      model.send({ type: "save", number: sent, ...content() });
    } catch {
      // The kernel is gone; nobody will answer.
    }
    if (!silence) silence = setTimeout(() => { silence = 0; lost = notAnswered(draft.found() !== null); drawStatus(); }, SILENCE_MS);
    drawStatus();
  }
  function heard(message) {
    if (message.type !== "answer" || !(message.number > answered)) return;
    answered = message.number;
    if (answered < sent) return; // more was typed since
    clearTimeout(silence);
    silence = 0;
    lost = message.is_saved ? "" : message.status;
    if (message.is_saved && !typing) draft.drop();
    drawStatus();
  }

  function drawStatus() {
    foot.classList.toggle("kit-project-lost", lost !== "");
    for (const [section, { field, note }] of sections) {
      note.hidden = !lost || field.value === (model.get("texts")[section] ?? "");
      setText(note, lost);
    }
    setText(status, lost || (isOpen() ? "Saving …" : model.get("status")));
  }
  function drawItems() {
    const items = model.get("items");
    for (const [section, { list }] of sections) list.replaceChildren(...items.filter((item) => item.section === section).map(itemLine));
    setText(count, `${items.filter((item) => item.is_there).length} of ${items.length} there.`);
  }
  // What Python sets (another view, a program) is shown, but never over what is being typed.
  function refill() {
    if (!isOpen()) fill({ title: model.get("title"), texts: model.get("texts") });
  }

  // What an earlier form could not save. On top of the same file it is simply taken up again; else people decide.
  function takeUp(found) {
    fill(found);
    old.hidden = true;
    changed();
    save();
  }
  function offer(found) {
    const words = "This browser has kept a text that was not saved, and the file has changed since.";
    const take = element("button", "", "Show the kept text instead");
    const forget = element("button", "", "Forget it");
    take.type = forget.type = "button";
    take.addEventListener("click", () => { takeUp(found); title.focus(); });
    forget.addEventListener("click", () => { draft.drop(); old.hidden = true; title.focus(); });
    old.replaceChildren(element("span", "", words), take, forget);
    old.hidden = false;
  }

  fill({ title: model.get("title"), texts: model.get("texts") });
  drawItems();
  drawStatus();
  model.on("msg:custom", heard);
  model.on("change:items", drawItems);
  model.on("change:status", drawStatus);
  model.on("change:texts change:title", refill);
  const found = draft.found();
  if (found && JSON.stringify({ title: found.title, texts: found.texts }) === JSON.stringify(content())) draft.drop();
  else if (found && found.version === model.get("version")) takeUp(found);
  else if (found) offer(found);
  return () => {
    clearTimeout(typing);
    clearTimeout(silence);
    model.off("msg:custom", heard);
    model.off("change:items", drawItems);
    model.off("change:status", drawStatus);
    model.off("change:texts change:title", refill);
  };
}

export default { render };
