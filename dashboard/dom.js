/**
 * Makes an element. Text goes in as text, never as markup: names and reasons come from players and servers.
 *
 * @param {string} tag with classes, as `span.state`
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 */
export function element(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const made = document.createElement(name);
  if (classes.length > 0) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Sets an element's text only where it is another: selections and focus stay. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

export function setHidden(target, hidden) {
  if (target.hidden !== hidden) target.hidden = hidden;
}

/**
 * Makes the children of `parent` those of `items`, in their order. A child that stays is kept and updated, so that
 * what has focus keeps it.
 *
 * @param {Element} parent
 * @param {readonly T[]} items
 * @param {(item: T) => string} keyOf
 * @param {(item: T) => Element} create
 * @param {(child: Element, item: T) => void} update called for new children too
 * @template T
 */
export function syncChildren(parent, items, keyOf, create, update) {
  const before = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let at = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let child = before.get(key);
    before.delete(key);
    if (child === undefined) {
      child = create(item);
      child.dataset.key = key;
    }
    update(child, item);
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
  }
  for (const child of before.values()) child.remove();
}

/** A bar that shows how much is taken, with its words beside it. */
export function bar(kind) {
  const fill = element("span.fill");
  const words = element("span.words");
  const made = element(`span.bar.${kind}`, {}, element("span.track", {}, fill), words);
  return made;
}

/** @param {number} share 0 to 1; more shows as full, in red */
export function setBar(target, share, words) {
  const fill = target.querySelector(".fill");
  fill.style.width = `${Math.round(Math.min(1, Math.max(0, share)) * 1000) / 10}%`;
  target.dataset.level = share > 1 ? "over" : share >= 0.9 ? "high" : "usual";
  setText(target.querySelector(".words"), words);
}

/** A word in the colour of what it says. */
export function setState(target, state) {
  setText(target, state);
  target.dataset.state = state;
}
