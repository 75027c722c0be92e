// The heads of the racks: one for each node, with its state in a word and a symbol, and its buttons.
const STATES = { alive: "●", paused: "‖", down: "✕", "cut off": "⊘", closed: "■", "not known": "?" };
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

function holds(node) {
  if (!node.is_broker) return "no partitions";
  const { leads, follows, offline } = node.holds;
  return offline ? `${offline} replica${offline === 1 ? "" : "s"} offline` : `leads ${leads}, follows ${follows}`;
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

  // What a node was last is no state of a cluster that is gone: something stands instead.
  function update(node, { frozen, refusal, copies, instead }) {
    const now = instead || node.state;
    root.dataset.state = instead ? "down" : node.state;
    root.setAttribute("aria-label", [nodeName(node), now, node.is_controller ? "active controller" : "",
      node.slow ? `slow ${node.slow}` : ""].filter(Boolean).join(", "));
    setText(name, nodeName(node));
    setText(role, node.is_controller ? "★ controller" : "");
    setText(state, `${STATES[now]} ${now}`);
    setText(slow, node.slow ? `⧖ slow ${node.slow}` : "");
    setText(address, node.address);
    setText(counts, instead ? "" : holds(node));
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
