// The form for a project plan. It saves while one types, and ticks off what is there.
function render({ model, el }) {
  const root = element("div", "kit-widget kit-project");
  const id = `kit-project-${Math.random().toString(36).slice(2)}`;
  const head = element("div", "kit-project-head");
  const label = element("label", "kit-title", "What is your project called?");
  const title = element("input");
  title.id = `${id}-title`;
  label.htmlFor = title.id;
  title.maxLength = 120;
  title.value = model.get("title");
  head.append(label, title);
  root.append(head);

  let timer = 0;
  const save = () => { clearTimeout(timer); timer = 0; model.save_changes(); };
  const soon = () => { clearTimeout(timer); timer = setTimeout(save, 500); };
  title.addEventListener("input", () => { model.set("title", title.value); soon(); });

  const lists = new Map();
  const fields = new Map();
  for (const section of model.get("sections")) {
    const part = element("section", "kit-project-part");
    part.setAttribute("aria-label", section.heading);
    const field = element("textarea");
    field.id = `${id}-${section.id}`;
    field.rows = 8;
    field.maxLength = 20000;
    field.value = model.get("texts")[section.id] ?? "";
    const name = element("label", "kit-title", section.heading);
    name.htmlFor = field.id;
    const prompts = element("ul", "kit-project-prompts");
    prompts.id = `${field.id}-prompts`;
    prompts.append(...section.prompts.map((prompt) => element("li", "", prompt)));
    field.setAttribute("aria-describedby", prompts.id);
    const list = element("ul", "kit-project-items");
    list.setAttribute("aria-label", `What ${section.heading} should have`);
    const left = element("div");
    left.append(name, field);
    const right = element("div");
    right.append(prompts, list);
    part.append(left, right);
    root.append(part);
    field.addEventListener("input", () => {
      model.set("texts", { ...model.get("texts"), [section.id]: field.value });
      soon();
    });
    field.addEventListener("blur", () => { if (timer) save(); });
    lists.set(section.id, list);
    fields.set(section.id, field);
  }
  const foot = element("div", "kit-project-foot");
  const count = element("strong");
  const status = element("span");
  foot.setAttribute("role", "status");
  foot.append(count, " ", status);
  root.append(foot);
  // Typing belongs to the form, not to the notebook's shortcuts.
  root.addEventListener("keydown", (event) => event.stopPropagation());
  el.append(root);

  const draw = () => {
    const items = model.get("items");
    for (const [section, list] of lists) {
      list.replaceChildren(...items.filter((item) => item.section === section).map((item) => {
        const line = element("li", item.is_there ? "kit-project-there" : "");
        const sign = element("span", "kit-project-sign", item.is_there ? "✔" : "○");
        sign.setAttribute("aria-hidden", "true");
        line.append(sign, element("span", "kit-hidden", item.is_there ? "there: " : "missing: "), item.words);
        if (!item.is_there && item.hint) line.append(element("div", "kit-quiet", item.hint));
        return line;
      }));
    }
    count.textContent = `${items.filter((item) => item.is_there).length} of ${items.length} there.`;
    status.textContent = model.get("status");
  };
  // What Python sets (another view, a program) is shown, but never over what is being typed.
  const refill = () => {
    for (const [section, field] of fields) {
      const text = model.get("texts")[section] ?? "";
      if (field.value !== text && field !== document.activeElement) field.value = text;
    }
    if (title !== document.activeElement) title.value = model.get("title");
  };
  model.on("change:items", draw);
  model.on("change:status", draw);
  model.on("change:texts", refill);
  model.on("change:title", refill);
  draw();
  return () => {
    clearTimeout(timer);
    model.off("change:items", draw);
    model.off("change:status", draw);
    model.off("change:texts", refill);
    model.off("change:title", refill);
  };
}

export default { render };
