/// <reference lib="dom" />
// Light or dark besides the system's setting, remembered where the browser lets a page from a disk remember.

const CHOICES = ["system", "light", "dark"];
const KEY = "touchstone-colours";

function remembered(): string {
  try {
    return localStorage.getItem(KEY) ?? "system";
  } catch {
    return "system";
  }
}

function apply(choice: string): void {
  if (choice === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
}

// At once, before anything is painted.
apply(remembered());

document.addEventListener("DOMContentLoaded", () => {
  const label = document.createElement("label");
  label.className = "theme";
  label.textContent = "Colours ";
  const select = document.createElement("select");
  for (const choice of CHOICES) select.add(new Option(choice, choice, false, choice === remembered()));
  select.addEventListener("change", () => {
    apply(select.value);
    try {
      localStorage.setItem(KEY, select.value);
    } catch {
      // It holds for this visit.
    }
  });
  label.append(select);
  document.querySelector("header")?.prepend(label);

  // What is folded is printed too.
  let opened: HTMLDetailsElement[] = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll<HTMLDetailsElement>("details:not([open])")];
    for (const each of opened) each.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const each of opened) each.open = false;
  });
});

export {};
