// What events of the page do in the browser; Python names these functions as their `js`.
window.pg = {
  busy: false,
  count: 0,
  filled: {},
  typed: false,

  // Nobody is asked while the page is out of sight, nor while an address or a key is half typed.
  due() {
    const typing = document.activeElement?.matches("#connection :is(input, textarea)");
    return !document.hidden && !typing;
  },

  // Takes the message out of its box once; while an answer is on its way it stays there.
  take(message, outgoing) {
    if (pg.busy || !message.trim()) return [message, outgoing];
    pg.count += 1;
    pg.sending();
    return ["", JSON.stringify({ count: pg.count, text: message, keep: null })];
  },

  sending(...given) {
    pg.busy = true;
    document.querySelector("#chat [role=log]")?.scrollTo(0, 1e9);
    document.body.classList.add("pg-busy");
    return given;
  },

  freed(...given) {
    pg.busy = false;
    document.body.classList.remove("pg-busy");
    return given;
  },

  // Hands texts on to as many fields; asks first where somebody has typed something else there.
  fill(tab, ...given) {
    const half = given.length / 2;
    const [fresh, present] = [given.slice(0, half), given.slice(half)];
    const plain = (value) => JSON.stringify(value?.data ?? value ?? "").replace(/[[\]",]|null/g, "");
    const [new_, old] = [fresh.map(plain).join("|"), present.map(plain).join("|")];
    const empty = !old.replaceAll("|", "").trim();
    if (!empty && old !== new_ && old !== pg.filled[tab]) {
      if (!confirm("Replace what stands in these fields?")) return present;
    }
    pg.filled[tab] = new_;
    return fresh;
  },

  // Whether there is nothing to lose or the person agrees to lose it.
  agreed(question, where) {
    return !document.querySelector(where) || confirm(question);
  },

  // A conversation as a file.
  save(talks, user) {
    const said = (talks.find(([name]) => name === user) ?? ["", []])[1];
    const text = said.map(([role, content]) => `**${role}**\n\n${content}\n`).join("\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/markdown" }));
    link.download = `${user}.md`;
    link.click();
  },
};

// What is typed into the tabs stands nowhere else: the browser asks before it goes.
document.addEventListener("input", (event) => {
  pg.typed ||= event.isTrusted && event.target.matches("[role=tabpanel] :is(input, textarea):not(#message *)");
});
window.addEventListener("beforeunload", (event) => {
  if (pg.typed) event.preventDefault();
});
