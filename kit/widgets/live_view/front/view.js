// The whole view: what stands where, and what is drawn anew when something is new.
function makeFilter(store) {
  const root = element("div", "kit-bar");
  const needle = element("input");
  needle.type = "search";
  needle.placeholder = "all topics";
  const names = element("datalist");
  names.id = `kit-names-${store.viewer}`;
  needle.setAttribute("list", names.id);
  const internal = element("input");
  internal.type = "checkbox";
  const choose = () => store.choose({ needle: needle.value, internal: internal.checked });
  let timer = 0;
  needle.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(choose, 200);
  });
  internal.addEventListener("change", choose);
  root.append(labelled("Topics", needle), names, labelled("Internal topics", internal));
  let drawn = "";

  function draw() {
    if (document.activeElement !== needle) needle.value = store.choice.needle;
    internal.checked = store.choice.internal;
    const known = store.now?.names ?? [];
    if (known.join() === drawn) return;
    drawn = known.join();
    names.replaceChildren(...known.map((name) => {
      const option = element("option");
      option.value = name;
      return option;
    }));
  }
  return { root, draw };
}

function makeBanner(store) {
  const root = element("div", "kit-banner");
  root.setAttribute("role", "status");

  function text() {
    if (store.end) return `${store.end} This is the last that was seen.`;
    if (store.isSilent) {
      return `No news for ${Math.round((Date.now() - store.heardAt) / 1000)} s. The kernel was restarted or is gone, or ` +
        "this page has lost it. After a restart, run the cells from the top again.";
    }
    if (!store.now) return "Looking at the cluster …";
    if (store.isPaused) return `This is how it was at ${clockTime(Math.max(store.thenMs, store.oldestMs ?? 0))}. The buttons act on now: go back to now first.`;
    return store.picture.trouble;
  }
  function draw() {
    const words = text();
    root.hidden = !words;
    root.dataset.kind = store.end || store.isSilent ? "end" : store.isPaused ? "then" : "trouble";
    setText(root, words);
  }
  return { root, draw };
}

function frozenReason(store) {
  if (store.end) return "The cluster is closed.";
  if (store.isSilent) return "The kernel does not answer.";
  return store.isPaused ? "You look at the past. Go back to now first." : "";
}

function render({ model, el }) {
  const store = new Store(model);
  const root = element("section", "kit-widget kit-cluster");
  root.setAttribute("aria-label", "Cluster view");
  let copies = false;
  async function press(order) {
    if (copies) answers.say(await copyText(pythonOf(order)));
    else store.order(order);
  }

  const filter = makeFilter(store);
  const asTable = makeSwitch("Words for letters", (on) => root.classList.toggle("kit-as-table", on));
  const copying = makeSwitch("Buttons copy Python", (on) => { copies = on; draw(); });
  const title = element("span", "kit-title", "Cluster");
  const state = element("span", "kit-live");
  const top = element("div", "kit-bar");
  top.append(title, state, filter.root, asTable, copying);
  const banner = makeBanner(store);
  const racks = makeRacks(store, press);
  const network = makeNetwork(store);
  const grid = makeGrid(store);
  const pager = makePager(store);
  const cutting = makeCutting(store, press);
  const heal = makeButton("Heal the network", () => press({ action: "heal" }));
  const answers = makeAnswers(store);
  const faults = element("div", "kit-bar kit-fault-bar");
  faults.append(cutting.root, heal);
  const refusal = element("div", "kit-quiet");
  const timeline = makeTimeline(store);
  const voice = makeVoice();
  const hall = element("div", "kit-hall");
  hall.tabIndex = 0;
  hall.setAttribute("role", "region");
  hall.setAttribute("aria-label", "Brokers and partitions");
  const floor = element("div", "kit-floor");
  floor.append(network.root, racks.root, grid.root);
  hall.append(floor);
  root.append(top, banner.root, hall, makeLegend(), pager.root, network.words, faults, refusal, answers.root,
    timeline.root, voice.root);
  el.append(root);

  function draw() {
    const options = {
      frozen: frozenReason(store), refusal: store.refusal, copies,
      instead: store.end ? "closed" : store.isSilent ? "not known" : "",
    };
    root.dataset.mode = store.end || store.isSilent ? "end" : store.isPaused ? "then" : "live";
    setText(state, { end: "■ stopped", then: "‖ paused", live: "● live" }[root.dataset.mode]);
    root.style.setProperty("--kit-nodes", store.picture?.nodes.length ?? 1);
    filter.draw();
    banner.draw();
    racks.draw(options);
    network.draw();
    grid.draw();
    pager.draw();
    cutting.draw(options);
    faults.hidden = store.refusal !== "";
    setText(heal, copies ? "⧉ Heal the network" : "Heal the network");
    heal.setAttribute("aria-label", copies ? "Copy as Python: heal the network" : "Heal the network");
    if (options.frozen && !copies) enable(heal, false, options.frozen);
    else enable(heal, copies || (store.now?.faults.length ?? 0) > 0, "There is nothing to heal.");
    copying.hidden = store.refusal !== "";
    setText(refusal, store.refusal ? `No buttons here, for this cluster is there for others too. ${store.refusal}` : "");
    timeline.drawFamilies();
    timeline.drawState();
  }

  store.listen((what) => {
    if (what === "events") {
      timeline.add(store.fresh);
      voice.add(store.fresh.filter((event) => !event.internal || store.choice.internal));
    }
    if (what === "done") answers.draw();
    // While one looks back, what is new is kept and not drawn.
    if (what === "changes" && store.isPaused) return;
    draw();
  });
  const watch = setInterval(() => { if (store.isSilent || root.dataset.mode === "end") draw(); }, 1000);
  // A key pressed in the view must not reach the notebook's own shortcuts (typing "b" would insert a cell).
  root.addEventListener("keydown", (event) => event.stopPropagation());
  answers.draw();
  draw();
  return () => {
    clearInterval(watch);
    voice.end();
    store.close();
  };
}

export default { render };
