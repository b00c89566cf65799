// One helper that makes elements. Children that are strings become text nodes, so no text is ever read as markup.

/**
 * @param {string} tag
 * @param {Record<string, unknown>} properties DOM properties; a name with a hyphen is set as an attribute
 * @param {...(Node|string|null|undefined|false)} children what is empty is left out
 */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-")) node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.filter(Boolean));
  return node;
}
