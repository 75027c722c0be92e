// Two switches (a producer, a consumer) and a rate. A switch says its state in words as well as by its frame.
const RATES = [10, 50, 200];

function makeSwitch(model, trait, name) {
  const button = element("button");
  button.type = "button";
  button.setAttribute("role", "switch");
  button.setAttribute("aria-label", name);
  button.addEventListener("click", () => {
    model.set(trait, !model.get(trait));
    model.save_changes();
  });
  const draw = () => {
    const on = model.get(trait);
    button.setAttribute("aria-checked", String(on));
    button.textContent = `${on ? "● " : "○ "}${name}: ${on ? "running" : "off"}`;
  };
  model.on(`change:${trait}`, draw);
  draw();
  return { button, off: () => model.off(`change:${trait}`, draw) };
}

function render({ model, el }) {
  const root = element("section", "kit-widget kit-traffic");
  root.setAttribute("aria-label", `Traffic for topic ${model.get("topic")}`);
  const producer = makeSwitch(model, "producing", "Producer");
  const consumer = makeSwitch(model, "consuming", "Consumer");
  const rate = element("select");
  for (const value of RATES) {
    const option = element("option", "", `${value} records/s`);
    option.value = value;
    rate.append(option);
  }
  rate.addEventListener("change", () => {
    model.set("rate", Number(rate.value));
    model.save_changes();
  });
  const label = element("label", "", "Rate");
  label.append(rate);
  const bar = element("div", "kit-bar");
  bar.append(element("span", "kit-title", model.get("topic")), producer.button, label, consumer.button);
  const status = element("div", "kit-status");
  status.setAttribute("role", "status");
  root.append(bar, status);
  el.append(root);

  function draw() {
    rate.value = String(model.get("rate"));
    status.textContent = model.get("status");
  }
  root.addEventListener("keydown", (event) => event.stopPropagation());
  model.on("change:rate change:status", draw);
  draw();
  return () => {
    producer.off();
    consumer.off();
    model.off("change:rate change:status", draw);
  };
}

export default { render };
