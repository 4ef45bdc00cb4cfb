/** Makes elements. Texts from files and from the clipboard only ever become text nodes. */

type Child = Node | string | null;

/** An element with these attributes; an empty value is a boolean attribute. Children that are null are left out. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>>,
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Code with a button that copies it. */
export function copyable(code: string): HTMLElement {
  const text = element("code", {}, code);
  const button = element("button", { type: "button", class: "quiet" }, "Copy");
  button.addEventListener("click", async () => {
    button.textContent = (await copy(text)) ? "Copied" : "Selected: press Ctrl+C";
  });
  return element("div", { class: "copyable" }, element("pre", { tabindex: "0" }, text), button);
}

/** Some browsers have no clipboard for a page in a file. */
async function copy(text: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text.textContent);
    return true;
  } catch {
    getSelection()?.selectAllChildren(text);
    return document.execCommand("copy");
  }
}
