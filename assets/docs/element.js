// Elements of a page. Texts are texts: nothing that comes from elsewhere is read as HTML.

/* global document */

export function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties)
  made.append(...children)
  return made
}
