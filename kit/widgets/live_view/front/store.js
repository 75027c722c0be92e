// What the browser knows: the picture of now, put together from changes, and the one of then while one looks back.
const SILENT_AFTER_MS = 5000;
const MAX_EVENTS_KEPT = 500;
const ASK_AGAIN_MS = 100;

function applied(before, changed) {
  const rows = { ...before.rows, ...changed.rows };
  for (const name of Object.keys(rows)) if (rows[name] === null) delete rows[name];
  return { ...before, ...changed, rows };
}

class Store {
  constructor(model) {
    this.model = model;
    this.viewer = Math.random().toString(36).slice(2);
    this.now = null;
    this.then = null; // the picture that is shown instead of now, while paused
    this.thenMs = 0;
    this.thenFamily = "";
    this.isAsking = false;
    this.events = [];
    this.families = [];
    this.choice = { needle: "", internal: false };
    this.refusal = "";
    this.end = "";
    this.oldestMs = null;
    this.number = 0;
    this.heardAt = Date.now();
    this.orders = new Map();
    this.numOrders = 0;
    this.listeners = [];
    this.onMessage = (message) => this.take(message);
    model.on("msg:custom", this.onMessage);
    this.send({ type: "hello", viewer: this.viewer });
  }

  close() {
    clearTimeout(this.timer);
    this.model.off("msg:custom", this.onMessage);
    this.send({ type: "bye", viewer: this.viewer });
  }

  send(message) {
    try {
      this.model.send(message);
    } catch {
      // The kernel is gone; the silence is told in words.
    }
  }

  listen(listener) { this.listeners.push(listener); }
  tell(what) { for (const listener of this.listeners) listener(what); }

  get picture() { return this.then ?? this.now; }
  get isPaused() { return this.then !== null; }
  get isSilent() { return !this.end && Date.now() - this.heardAt > SILENT_AFTER_MS; }

  take(message) {
    this.heardAt = Date.now();
    const take = { whole: this.takeWhole, changes: this.takeChanges, then: this.takeThen, done: this.takeDone };
    take[message.type]?.call(this, message);
    if (message.oldest_ms !== undefined) this.oldestMs = message.oldest_ms;
    this.number = message.number;
  }

  takeWhole(message) {
    if (message.picture) this.now = message.picture;
    this.families = message.families;
    this.choice = message.choice;
    this.refusal = message.refusal;
    this.end = message.end;
    this.takeEvents(message.events);
    this.tell("whole");
  }

  takeChanges(message) {
    if (!this.now || message.number !== this.number + 1) {
      this.send({ type: "hello", viewer: this.viewer }); // something was missed: ask for everything
      return;
    }
    this.now = applied(this.now, message.changes);
    this.takeEvents(message.events);
    this.tell("changes");
  }

  takeEvents(events) {
    const last = this.events.length ? this.events[this.events.length - 1].id : 0;
    const fresh = events.filter((event) => event.id > last);
    if (!fresh.length) return;
    this.events = [...this.events, ...fresh].slice(-MAX_EVENTS_KEPT);
    this.fresh = fresh;
    this.tell("events");
  }

  takeThen(message) {
    if (!this.isPaused) return;
    this.isAsking = false;
    this.then = message.picture;
    this.tell("then");
    if (message.asked_ms !== this.thenMs) this.askThen();
  }

  takeDone(message) {
    this.orders.delete(message.id);
    this.said = message;
    this.tell("done");
  }

  // -- wishes ----------------------------------------------------------------------------------------------------

  pause() {
    if (!this.now || this.isPaused) return;
    this.then = this.now;
    this.thenMs = this.now.time_ms;
    this.tell("then");
  }

  resume() {
    this.then = null;
    this.isAsking = false;
    this.tell("then");
  }

  // To a moment; with the family of an event, to what that one brought about.
  goTo(timeMs, family = "") {
    this.pause();
    if (!this.isPaused) return;
    this.thenMs = Math.round(timeMs);
    this.thenFamily = family;
    this.tell("asked");
    if (!this.isAsking) this.askThen();
  }

  askThen() {
    this.isAsking = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.send({ type: "then", time_ms: this.thenMs, family: this.thenFamily });
    }, ASK_AGAIN_MS);
  }

  choose(choice) {
    this.choice = { ...this.choice, ...choice };
    this.send({ type: "choose", ...this.choice, page: choice.page ?? 0 });
    // While one looks back, the same moment is asked for once more: other partitions of it are wanted.
    if (this.isPaused) this.askThen();
  }

  order(order) {
    const id = `${this.viewer}-${++this.numOrders}`;
    this.orders.set(id, order);
    this.said = null;
    this.tell("done");
    this.send({ type: "do", id, ...order });
  }
}
