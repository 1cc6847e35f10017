// What happens in the browser alone: theme, focus, copying, dropping files.
(() => {
  "use strict";
  const root = document.documentElement;
  const stored = (() => {
    try {
      return localStorage.getItem("groundtone-theme");
    } catch {
      return null;
    }
  })();
  if (stored) root.dataset.theme = stored;

  const dark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;

  let opener = null;
  let status = null;

  const announce = (text, kind = "") => {
    if (!status) {
      status = document.createElement("div");
      status.className = "announced";
      status.setAttribute("role", "status");
      document.body.append(status);
    }
    status.textContent = text;
    status.dataset.kind = kind;
    status.classList.toggle("shown", kind !== "quiet");
    clearTimeout(announce.timer);
    announce.timer = setTimeout(() => status.classList.remove("shown"), 4000);
  };

  const copy = async (text, told = "Copied, with its sources.") => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    announce(told);
  };

  const grow = (area) => {
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight, 200)}px`;
  };

  // What is cited, once now, and again when the page's picture has the height that it will have.
  const whenDrawn = (within, show) => {
    const seen = [...within.querySelectorAll(".frame.words, .frame.passage, mark")].find((one) => one.offsetParent);
    const image = within.querySelector(".sheet img");
    if (!seen) return;
    if (image && !image.complete) image.addEventListener("load", () => show(seen), { once: true });
    show(seen);
  };

  window.groundtone = {
    announce,
    copy,
    share: (path) => copy(location.origin + path, "The link was copied."),
    take(form) {
      const area = form.querySelector("textarea");
      const text = area.value;
      area.value = "";
      grow(area);
      return text;
    },
    last() {
      setTimeout(() => document.querySelector(".turn:last-of-type")?.scrollIntoView({ block: "start", behavior: "smooth" }), 60);
    },
    reveal() {
      document.body.classList.add("with-source");
      setTimeout(() => {
        const panel = document.querySelector(".source");
        panel?.focus({ preventScroll: true });
        whenDrawn(panel, (seen) => {
          const inside = seen.getBoundingClientRect().top - panel.getBoundingClientRect().top;
          panel.scrollTop += inside - panel.clientHeight / 3; // the panel alone: the page stays
        });
      }, 60);
    },
    cited() {
      setTimeout(() => whenDrawn(document, (seen) => seen.scrollIntoView({ block: "center" })), 60);
    },
    hidden() {
      document.body.classList.remove("with-source");
      if (opener?.isConnected) opener.focus();
    },
  };

  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("button, a");
    if (!pressed) return;
    if (pressed.matches(".chip, .entry")) opener = pressed;
    if (pressed.matches("[data-theme-switch]")) {
      root.dataset.theme = dark() ? "light" : "dark";
      try {
        localStorage.setItem("groundtone-theme", root.dataset.theme);
      } catch {
        // a browser that keeps nothing: the choice holds for this page
      }
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.body.classList.contains("with-source")) {
      document.querySelector(".source-head button")?.click();
    }
    const area = event.target;
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && area.matches?.("[data-composer]")) {
      event.preventDefault();
      area.form.requestSubmit();
    }
  });

  document.addEventListener("input", (event) => {
    if (event.target.matches?.("[data-composer]")) grow(event.target);
  });

  // Files dropped on, or chosen for, an element with data-upload go to the address it names.
  const upload = async (zone, files) => {
    if (!files.length) return;
    let sent = 0;
    for (const file of files) {
      announce(`Sending ${file.name} (${++sent} of ${files.length}) …`);
      const name = encodeURIComponent(file.webkitRelativePath || file.name);
      const answer = await fetch(`${zone.dataset.upload}&name=${name}`, { method: "POST", body: file });
      if (!answer.ok) {
        announce(`${file.name} was not taken: ${(await answer.text()).slice(0, 200)}`, "bad");
        return;
      }
    }
    announce(files.length > 1 ? `${files.length} files were sent.` : `${files[0].name} was sent.`);
    zone.dispatchEvent(new CustomEvent("sent", { detail: sent }));
  };
  document.addEventListener("dragover", (event) => {
    const zone = event.target.closest?.("[data-upload]");
    if (!zone) return;
    event.preventDefault();
    zone.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    event.target.closest?.("[data-upload]")?.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    const zone = event.target.closest?.("[data-upload]");
    if (!zone) return;
    event.preventDefault();
    zone.classList.remove("over");
    upload(zone, [...event.dataTransfer.files]);
  });
  document.addEventListener("change", (event) => {
    if (event.target.type !== "file") return;
    const zone = event.target.closest("[data-upload]");
    if (zone) upload(zone, [...event.target.files]);
    event.target.value = "";
  });
})();
