import { element, setHidden, setText } from "./dom.js";

/**
 * Asks before anything is changed: what will happen, its few settings, and a button that names the deed. It stays open
 * until the controller has agreed, and says so where it has not.
 */
export class Confirm {
  constructor({ dialog, title, words, fields, problem, cancel, submit }) {
    Object.assign(this, { dialog, title, words, fields, problem, submit });
    cancel.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => (this.deed = undefined));
    dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.carryOut();
    });
  }

  /**
   * @param {{title: string, words: string, verb: string, danger?: boolean, fields?: object[]}} question
   * @param {(values: Record<string, number | boolean>) => Promise<void>} deed
   */
  ask({ title, words, verb, danger = false, fields = [] }, deed) {
    this.deed = deed;
    setText(this.title, title);
    setText(this.words, words);
    setText(this.submit, verb);
    this.submit.className = danger ? "primary danger" : "primary";
    this.submit.disabled = false;
    setHidden(this.problem, true);
    this.fields.replaceChildren(...fields.map(fieldOf));
    this.dialog.showModal();
    // What is safe has the focus: Enter alone changes nothing.
    this.dialog.querySelector("[data-part=cancel]").focus();
  }

  async carryOut() {
    const { deed } = this;
    if (deed === undefined) return;
    this.submit.disabled = true;
    setHidden(this.problem, true);
    try {
      await deed(valuesOf(this.fields));
      if (this.deed === deed) this.dialog.close();
    } catch (error) {
      if (this.deed !== deed) return;
      setText(this.problem, error.message);
      setHidden(this.problem, false);
      this.submit.disabled = false;
    }
  }
}

function fieldOf({ name, label, kind, value, min, max }) {
  if (kind === "check") return element("label.check", {}, element("input", { type: "checkbox", name }), ` ${label}`);
  const bounds = { min: String(min), max: String(max), value: String(value) };
  const input = element("input", { type: "number", name, required: "", step: "1", ...bounds });
  return element("label.setting", {}, label, input);
}

function valuesOf(fields) {
  const inputs = [...fields.querySelectorAll("input")];
  return Object.fromEntries(
    inputs.map(({ name, type, checked, value }) => [name, type === "checkbox" ? checked : Number(value)]),
  );
}
