// A plain script, so that it runs before the first paint and nobody is dazzled by the other theme.
(() => {
  const chosen = localStorage.getItem("forge.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
