// Partitions by brokers: a table whose columns stand under the racks. As a picture it shows letters, colours and what
// flows; as a table it shows words. It is one table: screen readers always get the words.
const ROLES = {
  L: ["leader", "kit-leader"],
  F: ["in-sync follower", "kit-in-sync"],
  B: ["behind: not in sync", "kit-behind"],
  X: ["offline", "kit-offline"],
};
const LETTERS = { L: "L", F: "F", B: "B", X: "✕" };

// Where records move in a row, from what grew: to the leader, and from it to the followers in sync. By column.
function lanes(roles) {
  const leader = roles.indexOf("L");
  if (leader < 0) return [...roles].map(() => []);
  const first = Math.min(leader, ...[...roles].flatMap((role, column) => (role === "F" ? [column] : [])));
  const last = Math.max(leader, ...[...roles].flatMap((role, column) => (role === "F" ? [column] : [])));
  return [...roles].map((_, column) => {
    const found = [];
    if (column <= leader) found.push(`in ${column === leader ? "first-half end" : "all"}`);
    if (last > leader && column >= leader && column <= last) {
      found.push(`right ${column === leader ? "second-half" : column === last ? "first-half end" : "all"}`);
    }
    if (first < leader && column <= leader && column >= first) {
      found.push(`left ${column === leader ? "first-half" : column === first ? "second-half end" : "all"}`);
    }
    return found;
  });
}

function makeSlot() {
  const cell = element("td");
  const flow = element("div", "kit-flow");
  flow.setAttribute("aria-hidden", "true");
  const slot = element("div", "kit-slot");
  const chip = element("span", "kit-replica");
  const letter = element("span", "kit-letter");
  letter.setAttribute("aria-hidden", "true");
  const word = element("span", "kit-word");
  chip.append(letter, word);
  slot.append(flow, chip);
  cell.append(slot);
  let role = null;
  let paths = "";

  function update(newRole, newPaths) {
    if (newRole !== role) {
      role = newRole;
      const [text, className] = ROLES[role] ?? ["", "kit-nothing"];
      chip.className = `kit-replica ${className}`;
      chip.title = text;
      setText(letter, LETTERS[role] ?? "");
      setText(word, text);
    }
    if (newPaths.join() !== paths) { // drawn anew only when it differs: else its movement would begin again
      paths = newPaths.join();
      flow.replaceChildren(...newPaths.map((path) => element("i", path)));
    }
  }
  return { cell, update };
}

function offsetsInWords(start, highWatermark) {
  if (highWatermark === null) return "offsets not known";
  if (start !== highWatermark) return `offsets ${offset(start)} to ${offset(highWatermark - 1)}`;
  return highWatermark === 0 ? "empty" : `empty, next offset ${offset(highWatermark)}`;
}

function makeRow(numNodes) {
  const line = element("tr");
  const head = element("th", "kit-partition-head");
  head.scope = "row";
  const name = element("span", "kit-partition-name");
  const topicName = element("span", "kit-topic-name"); // where it is too long, its end is left out and not the number
  const number = element("span");
  const whole = element("span", "kit-hidden"); // for ears in one piece: between two boxes a screen reader pauses
  for (const part of [topicName, number]) part.setAttribute("aria-hidden", "true");
  name.append(whole, topicName, number);
  const leaderless = element("span", "kit-leaderless", "no leader");
  const offsets = element("span", "kit-offsets");
  const rate = element("span", "kit-rate");
  head.append(name, leaderless, offsets, rate);
  const slots = Array.from({ length: numNodes }, makeSlot);
  line.append(head, ...slots.map((slot) => slot.cell));

  function update([topic, partition, leader, roles, start, highWatermark, perSecond]) {
    setText(whole, `${topic}-${partition}`);
    setText(topicName, topic);
    setText(number, `-${partition}`);
    name.title = `${topic}, partition ${partition}`;
    leaderless.hidden = leader !== null;
    // Nobody can tell the offsets of a partition without a leader, and that it has none stands beside it.
    setText(offsets, leader === null && highWatermark === null ? "" : offsetsInWords(start, highWatermark));
    offsets.title =
      highWatermark === null
        ? ""
        : `what consumers can read: from the log start offset, ${offset(start)}, to below the high watermark, ${offset(highWatermark)}`;
    setText(rate, perSecond > 0 ? `+${perSecond < 10 ? perSecond : Math.round(perSecond).toLocaleString("en")}/s →` : "");
    const paths = perSecond > 0 ? lanes(roles) : [];
    slots.forEach((slot, column) => slot.update(roles[column], paths[column] ?? []));
  }
  return { line, update };
}

function makeGrid(store) {
  const root = element("div", "kit-grid");
  const table = element("table");
  const caption = element("caption", "kit-hidden", "Partitions by broker");
  const headLine = element("tr");
  const head = element("thead");
  head.append(headLine);
  const body = element("tbody");
  const widths = element("colgroup");
  table.append(caption, widths, head, body);
  const empty = element("div", "kit-empty");
  root.append(table, empty);
  const rows = new Map();
  let columns = "";

  function drawColumns(nodes) {
    const signature = nodes.map((node) => node.id).join();
    if (signature === columns) return;
    columns = signature;
    rows.clear();
    widths.replaceChildren(element("col", "kit-label-column"), ...nodes.map(() => element("col")));
    headLine.replaceChildren(...["Partition", ...nodes.map(nodeName)].map((text) => {
      const cell = element("th", "", text);
      cell.scope = "col";
      return cell;
    }));
  }

  function draw() {
    const picture = store.picture;
    if (!picture) return;
    drawColumns(picture.nodes);
    for (const name of [...rows.keys()]) if (!(name in picture.rows)) rows.delete(name);
    for (const name of picture.order) {
      if (!rows.has(name)) rows.set(name, makeRow(picture.nodes.length));
      rows.get(name).update(picture.rows[name]);
    }
    const lines = picture.order.map((name) => rows.get(name).line);
    if (lines.length !== body.children.length || lines.some((line, index) => line !== body.children[index])) {
      body.replaceChildren(...lines);
    }
    table.classList.toggle("kit-no-rows", !lines.length);
    empty.hidden = !picture.empty;
    setText(empty, picture.empty);
  }
  return { root, draw };
}

function makePager(store) {
  const root = element("div", "kit-bar kit-pager");
  const words = element("span");
  const before = makeButton("Previous", () => store.choose({ page: store.picture.counts.page - 1 }));
  const after = makeButton("Next", () => store.choose({ page: store.picture.counts.page + 1 }));
  before.setAttribute("aria-label", "Previous partitions");
  after.setAttribute("aria-label", "Next partitions");
  root.append(words, before, after);

  function draw() {
    const counts = store.picture?.counts;
    root.hidden = !counts || counts.partitions <= counts.page_size;
    if (root.hidden) return;
    const first = counts.page * counts.page_size;
    const last = Math.min(first + counts.page_size, counts.partitions);
    const number = (value) => value.toLocaleString("en");
    setText(words, `Partitions ${number(first + 1)} to ${number(last)} of ${number(counts.partitions)} in ` +
      `${number(counts.matching)} topics. Type part of a name into the filter to see fewer.`);
    enable(before, counts.page > 0, "These are the first ones.");
    enable(after, last < counts.partitions, "These are the last ones.");
  }
  return { root, draw };
}

function makeLegend() {
  const root = element("div", "kit-legend");
  root.setAttribute("aria-hidden", "true"); // the table says it in words
  for (const role of "LFBX") {
    const item = element("span");
    const chip = element("span", `kit-replica ${ROLES[role][1]}`);
    chip.append(element("span", "kit-letter", LETTERS[role]));
    item.append(chip, ROLES[role][0]);
    root.append(item);
  }
  for (const [path, text] of [["in all", "records that arrive at the leader"], ["right all", "and at the followers in sync"]]) {
    const item = element("span");
    const flow = element("span", "kit-flow kit-flow-sample");
    flow.append(element("i", path));
    item.append(flow, text);
    root.append(item);
  }
  return root;
}
