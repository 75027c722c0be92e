// Forms that make and delete topics. Deleting takes three steps: name it, read what would be lost, type the name again.
// All text is set with textContent.
const TYPING_MS = 250;
const SILENCE_MS = 20000; // longer than any answer takes

function button(text, action) {
  const node = element("button", "", text);
  node.type = "button";
  if (action) node.addEventListener("click", action);
  return node;
}

function field(text, name, placeholder, hint) {
  const label = element("label", "kit-field");
  label.append(element("span", "", text));
  const input = Object.assign(element("input"), { name, placeholder, spellcheck: false, autocomplete: "off" });
  input.maxLength = name === "name" ? 400 : 2000;
  label.append(input);
  if (hint) label.title = hint;
  return [label, input];
}

const UNITS = [["day", 86400000], ["hour", 3600000], ["minute", 60000], ["second", 1000]];
function inWords(text) {
  if (text === "-1") return "= for ever";
  if (!/^\d{4,15}$/.test(text)) return "";
  const [unit, size] = UNITS.find(([, each]) => Number(text) >= each);
  const amount = Number((Number(text) / size).toFixed(1));
  return `= ${amount.toLocaleString("en")} ${unit}${amount === 1 ? "" : "s"}`;
}

let lists = 0;

function render({ model, el }) {
  const root = element("div", "kit-forms");
  el.append(root);
  let requests = 0;
  let silence = 0;
  function ask(content, waiting) {
    requests += 1;
    model.send({ ...content, request: requests });
    if (!waiting) return;
    waiting.textContent = "Asking Kafka …";
    clearTimeout(silence);
    silence = setTimeout(() => { waiting.textContent = "The kernel does not answer. Is it busy with another cell, or was it restarted? Then run this cell again."; unlock(); }, SILENCE_MS);
  }

  // -- make
  const create = element("form", "kit-widget");
  create.setAttribute("aria-label", "Create a topic");
  const [nameLabel, name] = field("Name", "name", "dev.music.plays.v1");
  const [partitionsLabel, partitions] = field("Partitions", "partitions", "broker's default", "How many logs the topic is cut into");
  const [factorLabel, factor] = field("Replication factor", "replication_factor", "broker's default", "How many brokers keep a copy");
  const [retentionLabel, retention] = field("retention.ms", "retention.ms", "broker's default", "How long records are kept, in milliseconds; -1: for ever");
  const [inSyncLabel, inSync] = field("min.insync.replicas", "min.insync.replicas", "broker's default", "How many replicas have to be in sync to take a record with acks=all");
  const policyLabel = element("label", "kit-field");
  const policy = Object.assign(element("select"), { name: "cleanup.policy" });
  for (const [value, text] of [["", "broker's default"], ["delete", "delete"], ["compact", "compact"], ["compact,delete", "compact,delete"]]) policy.append(Object.assign(element("option", "", text), { value }));
  policyLabel.append(element("span", "", "cleanup.policy"), policy);
  const [configsLabel, configs] = field("Other settings", "configs", "name=value, name=value");
  const lasts = element("span", "kit-quiet kit-words");
  retentionLabel.append(lasts);
  for (const each of [partitions, factor, retention, inSync]) each.inputMode = "numeric";
  const grid = element("div", "kit-grid");
  grid.append(nameLabel, partitionsLabel, factorLabel, retentionLabel, inSyncLabel, policyLabel, configsLabel);
  const hints = element("ul", "kit-hints");
  const make = element("button", "kit-main", "Create");
  const tryOut = button("Check only", () => send(true));
  const createBar = element("div", "kit-bar");
  createBar.append(make, tryOut);
  const made = element("p", "kit-answer");
  made.setAttribute("role", "status");
  const ways = codeWays();
  create.append(element("h3", "", "Create a topic"), grid, hints, createBar, made, ways.root);

  const inputs = [name, partitions, factor, retention, inSync, policy, configs];
  const fields = () => Object.fromEntries(inputs.map((each) => [each.name, each.value]));
  let typing = 0;
  create.addEventListener("input", () => {
    lasts.textContent = inWords(retention.value.trim());
    clearTimeout(typing);
    typing = setTimeout(() => ask({ type: "draft", fields: fields() }), TYPING_MS);
  });
  function send(dryRun) {
    clearTimeout(typing);
    make.disabled = tryOut.disabled = true;
    ask({ type: "create", fields: fields(), dry_run: dryRun }, made);
  }
  create.addEventListener("submit", (event) => { event.preventDefault(); send(false); });

  // -- delete
  const remove = element("form", "kit-widget");
  remove.setAttribute("aria-label", "Delete a topic");
  const [victimLabel, victim] = field("Topic", "victim", "name of a topic");
  const offers = element("datalist");
  lists += 1;
  offers.id = `kit-forms-names-${lists}`;
  victim.setAttribute("list", offers.id);
  const begin = element("button", "", "Delete …");
  const removeBar = element("div", "kit-bar");
  removeBar.append(begin);
  const confirm = element("div", "kit-confirm");
  confirm.setAttribute("role", "group");
  confirm.setAttribute("aria-label", "Confirm");
  const lost = element("p");
  const [againLabel, again] = field("Type the name again", "again", "");
  const sure = button("Delete for ever", () => destroy());
  const cancel = button("Keep it", () => { ask({ type: "forget" }); forget("Nothing was deleted."); victim.focus(); });
  const confirmBar = element("div", "kit-bar");
  confirmBar.append(sure, cancel);
  confirm.append(lost, againLabel, confirmBar);
  confirm.hidden = true;
  const deleted = element("p", "kit-answer");
  deleted.setAttribute("role", "status");
  const deleteWays = codeWays();
  remove.append(element("h3", "", "Delete a topic"), victimLabel, offers, removeBar, confirm, deleted, deleteWays.root);

  let asking = 0;
  let lastStep = 0; // the request of the last step towards deleting; suggestions are asked for in between
  const offer = () => { clearTimeout(asking); asking = setTimeout(() => ask({ type: "names", needle: victim.value }), TYPING_MS); };
  victim.addEventListener("focus", offer);
  victim.addEventListener("input", () => { forget(""); offer(); });
  function forget(text) {
    confirm.hidden = true;
    again.value = "";
    sure.disabled = true;
    if (text) deleted.textContent = text;
  }
  remove.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!confirm.hidden) { destroy(); return; }
    begin.disabled = true;
    ask({ type: "ask", name: victim.value }, deleted);
    lastStep = requests;
  });
  again.addEventListener("input", () => { sure.disabled = again.value !== model.get("confirmation").name; });
  confirm.addEventListener("keydown", (event) => { if (event.key === "Escape") cancel.click(); });
  function destroy() {
    if (sure.disabled) return;
    sure.disabled = true;
    ask({ type: "delete", name: model.get("confirmation").name, typed: again.value }, deleted);
    lastStep = requests;
  }

  const stopped = element("p", "kit-widget kit-stopped");
  root.append(stopped, create, remove);

  function unlock() { make.disabled = tryOut.disabled = begin.disabled = Boolean(model.get("ended")); }

  function drawDraft() {
    const { hints: told = [], mistake = "" } = model.get("draft");
    hints.replaceChildren(...[...(mistake ? [mistake] : []), ...told].map((text) => element("li", "", text)));
    hints.hidden = !hints.childElementCount;
  }
  function outcome(node, found) {
    clearTimeout(silence);
    unlock();
    node.textContent = found.text ? `${found.is_done ? "✔" : "✘"} ${found.text}` : "";
    node.hidden = !found.text;
    node.dataset.done = String(Boolean(found.is_done));
  }
  function drawCreated() { made.hidden = false; outcome(made, model.get("created")); }
  function drawDeleted() {
    deleted.hidden = false;
    const found = model.get("deleted");
    if (!found.text) return;
    outcome(deleted, found);
    forget("");
    if (found.is_done) victim.value = "";
    if (found.answered === lastStep && remove.contains(document.activeElement)) victim.focus();
  }
  function drawConfirmation() {
    const { name: asked, text, answered } = model.get("confirmation");
    if (!asked) { forget(""); return; }
    clearTimeout(silence);
    unlock();
    deleted.textContent = "";
    lost.textContent = text;
    confirm.hidden = false;
    sure.disabled = true;
    again.value = "";
    if (answered === lastStep) again.focus();
  }
  function drawEnded() {
    stopped.textContent = model.get("ended");
    stopped.hidden = !model.get("ended");
    if (model.get("ended")) for (const each of root.querySelectorAll("button, input, select")) each.disabled = true;
  }
  const drawNames = () => offers.replaceChildren(...model.get("names").map((each) => Object.assign(element("option"), { value: each })));
  const drawCodes = () => ways.draw(model.get("codes"));
  const drawDeleteCodes = () => deleteWays.draw(model.get("delete_codes"));

  // A key pressed in the view must not reach the notebook's own shortcuts (typing "b" would insert a cell).
  root.addEventListener("keydown", (event) => event.stopPropagation());
  const watched = { draft: drawDraft, created: drawCreated, names: drawNames, confirmation: drawConfirmation, deleted: drawDeleted, codes: drawCodes, delete_codes: drawDeleteCodes, ended: drawEnded };
  for (const [trait, draw] of Object.entries(watched)) model.on(`change:${trait}`, draw);
  name.value = model.get("first_name");
  for (const draw of Object.values(watched)) draw();
  return () => {
    clearTimeout(silence);
    for (const [trait, draw] of Object.entries(watched)) model.off(`change:${trait}`, draw);
  };
}

export default { render };
