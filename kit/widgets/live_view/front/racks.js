// The heads of the racks: one for each node, with its state in a word and a symbol, and its buttons.
const STATES = { alive: "●", paused: "‖", down: "✕", "cut off": "⊘" };
const BUTTONS = [
  ["kill", "Kill", ["alive", "cut off", "paused"], "It is down already."],
  ["stop", "Stop", ["alive", "cut off"], "It is not running."],
  ["restart", "Restart", ["down"], "It is running."],
  ["pause", "Pause", ["alive", "cut off"], "It is not running."],
  ["resume", "Resume", ["paused"], "It is not paused."],
  ["isolate", "Isolate", ["alive", "paused"], "It is down, or cut off already."],
];

function nodeName(node) {
  return `${node.is_broker ? "Broker" : "Controller"} ${node.id}`;
}

function makeRack(id, press) {
  const root = element("div", "kit-rack");
  root.setAttribute("role", "group");
  const name = element("div", "kit-rack-name");
  const state = element("div", "kit-rack-state");
  const address = element("div", "kit-rack-address kit-code");
  const counts = element("div", "kit-rack-counts");
  const buttons = element("div", "kit-rack-buttons");
  const made = BUTTONS.map(([action, text, states, reason]) => {
    const button = makeButton(text, () => press({ action, node: id }));
    button.dataset.action = action;
    buttons.append(button);
    return { button, text, states, reason };
  });
  const role = element("div", "kit-rack-role");
  const slow = element("div", "kit-rack-slow");
  root.append(name, state, role, slow, address, counts, buttons);

  function update(node, { frozen, refusal, copies }) {
    root.dataset.state = node.state;
    root.setAttribute("aria-label", [nodeName(node), node.state, node.is_controller ? "active controller" : "",
      node.slow ? `slow ${node.slow}` : ""].filter(Boolean).join(", "));
    setText(name, nodeName(node));
    setText(role, node.is_controller ? "★ controller" : "");
    setText(state, `${STATES[node.state]} ${node.state}`);
    setText(slow, node.slow ? `⧖ slow ${node.slow}` : "");
    setText(address, node.address);
    const [leads, follows] = node.counts;
    setText(counts, node.is_broker ? `leads ${leads}, follows ${follows}` : "no partitions");
    buttons.hidden = refusal !== "";
    for (const { button, text, states, reason } of made) {
      setText(button, copies ? `⧉ ${text}` : text);
      button.setAttribute("aria-label", copies
        ? `Copy as Python: ${text} ${nodeName(node)}` : `${text} ${nodeName(node)}`);
      if (frozen && !copies) enable(button, false, frozen);
      else enable(button, copies || states.includes(node.state), reason);
    }
  }
  return { root, update };
}

function makeRacks(store, press) {
  const root = element("div", "kit-racks");
  const corner = element("div", "kit-corner");
  corner.append(element("strong", "", "Producers"), element("span", "", "send to the leader of each partition"));
  const racks = new Map();

  function draw(options) {
    const nodes = store.picture?.nodes ?? [];
    if ([...racks.keys()].join() !== nodes.map((node) => node.id).join()) {
      racks.clear();
      for (const node of nodes) racks.set(node.id, makeRack(node.id, press));
      root.replaceChildren(corner, ...[...racks.values()].map((rack) => rack.root));
    }
    for (const node of nodes) racks.get(node.id).update(node, options);
  }
  return { root, draw };
}
