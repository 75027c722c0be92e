// Small parts. The files of this folder are joined to one module: each may use what stands in those before it.
// All text is set with textContent: no name is ever read as HTML.
function makeButton(text, onPress) {
  const button = element("button", "", text);
  button.type = "button";
  button.addEventListener("click", () => { if (button.getAttribute("aria-disabled") !== "true") onPress(); });
  return button;
}

// A button that cannot be pressed now keeps the focus: a keyboard user would be thrown out of the view otherwise.
function enable(button, possible, reason) {
  button.setAttribute("aria-disabled", String(!possible));
  button.title = possible ? "" : reason;
}

function makeSwitch(text, onChange) {
  const button = element("button", "", text);
  button.type = "button";
  button.setAttribute("role", "switch");
  button.setAttribute("aria-checked", "false");
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-checked") !== "true";
    button.setAttribute("aria-checked", String(on));
    onChange(on);
  });
  return button;
}

function hiddenText(text) {
  return element("span", "kit-hidden", text);
}

function clockTime(timeMs) {
  const time = new Date(timeMs);
  const two = (value) => String(value).padStart(2, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.` +
    String(time.getMilliseconds()).padStart(3, "0");
}

function ago(ms) {
  const seconds = Math.max(Math.round(ms / 1000), 0);
  return seconds < 120 ? `${seconds} s ago` : `${Math.round(seconds / 60)} min ago`;
}

function offset(value) {
  return value === null ? "?" : value.toLocaleString("en");
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return `Copied: ${text}`;
  } catch {
    return `The browser does not let us copy. The code is: ${text}`;
  }
}

function pythonOf(order) {
  if (order.action === "heal") return "cluster.heal()";
  if (order.action !== "cut") return `cluster.${order.action}(${order.node})`;
  const groups = order.groups.filter((group) => group.length).map((group) => `{${group.join(", ")}}`);
  return `cluster.cut(${groups.join(", ")}${order.one_way ? ", one_way=True" : ""})`;
}
