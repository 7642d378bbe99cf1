// Functions of every page: theme, colours, links to its parts, and texts to copy.

const THEMES = ["system", "light", "dark"];
const COLOURS = {
  card: "--card", sunk: "--sunk", line: "--line", strong: "--strong-line", soft: "--soft", self: "--self",
  past: "--past", future: "--future", concurrent: "--concurrent", arrow: "--arrow", wait: "--wait", late: "--late",
  lost: "--lost", unread: "--unread", send: "--send", receive: "--receive", internal: "--internal", hit: "--hit", cut: "--cut", wrong: "--wrong",
};

/** Okabe and Ito's colours, ordered so that neighbours differ clearly; darker or lighter by theme. */
const MACHINES = {
  light: ["#0072b2", "#d55e00", "#009e73", "#b8508f", "#4aa3d8", "#b98500", "#6b5bbd", "#5a6470"],
  dark: ["#56b4e9", "#f0883e", "#2bbf94", "#e08fc0", "#8fd0f5", "#e6b020", "#a99cf0", "#a8b2bc"],
};

export function machineColours(count, theme) {
  return Array.from({ length: count }, (_, n) => MACHINES[theme][n % 8]);
}

/** Return the current theme, light or dark. */
export function theme() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

/** Return the colours of the style sheet in the form that a canvas accepts. */
export function inkOf() {
  const probe = document.body.appendChild(document.createElement("i"));
  const ink = {};
  for (const [name, variable] of Object.entries(COLOURS)) {
    probe.style.color = `var(${variable})`;
    ink[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  ink.sans = getComputedStyle(document.body).fontFamily.replaceAll('"', "'");
  return ink;
}

/** Activate the page's own buttons and links; call `changed` when the theme changes. */
export function listenToPage(changed = () => {}) {
  const button = document.getElementById("theme");
  button.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme ?? "system") + 1) % 3];
    if (next === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    button.textContent = `Theme: ${next}`;
    changed();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  for (const link of document.querySelectorAll('.top a[href^="#"]')) {
    link.addEventListener("click", (event) => {
      // Scroll instead of navigating: the address after # is the state of the diagram.
      event.preventDefault();
      document.querySelector(link.getAttribute("href")).scrollIntoView({ behavior: "smooth" });
    });
  }
  for (const copy of document.querySelectorAll("[data-copies]")) {
    copy.addEventListener("click", () => copied(copy, document.getElementById(copy.dataset.copies).textContent));
  }
}

/** Copy a text to the clipboard; the button confirms it for a moment. */
export async function copied(button, text) {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Copying not allowed";
  }
  setTimeout(() => (button.textContent = label), 1500);
}
