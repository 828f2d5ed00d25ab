/**
 * Checks that a text is well-formed XML, as far as a picture needs: one root, tags that match, quoted attributes, no
 * bare `<` or `&`, no character that XML forbids. No doctype, no processing instruction, no CDATA.
 */

const kName = '[A-Za-z_][\\w:.-]*';
const kReference = '&(?:amp|lt|gt|quot|apos|#\\d+|#x[0-9a-fA-F]+);';
const kTag = new RegExp(
  `<(/?)(${kName})((?:\\s+${kName}="(?:[^<&"]|${kReference})*")*)\\s*(/?)>|<!--(?:(?!--)[^])*-->`,
  'y',
);
const kText = new RegExp(`(?:[^<&]|${kReference})+`, 'y');

/** The elements in document order: name and attributes (as written). Throws an Error that says where it breaks. */
export function elementsOf(xml) {
  const forbidden = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u.exec(xml);
  if (forbidden) throw new Error(`forbidden character at ${forbidden.index}`);
  const elements = [];
  const open = [];
  let at = 0;
  while (at < xml.length) {
    kTag.lastIndex = kText.lastIndex = at;
    const tag = kTag.exec(xml);
    const match = tag ?? kText.exec(xml);
    if (!match) throw new Error(`not well-formed at ${at}: ${JSON.stringify(xml.slice(at, at + 40))}`);
    if (tag?.[2] !== undefined) {
      const [, isEnd, name, attributes, isEmpty] = tag;
      if (isEnd && open.pop() !== name) throw new Error(`</${name}> at ${at} ends nothing`);
      if (!isEnd) {
        if (open.length === 0 && elements.length > 0) throw new Error(`a second root at ${at}`);
        elements.push({
          name,
          attributes: Object.fromEntries(
            [...attributes.matchAll(/([\w:.-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value]),
          ),
        });
        if (!isEmpty) open.push(name);
      }
    } else if (open.length === 0 && match[0].trim() !== '') throw new Error(`text outside the root at ${at}`);
    at += match[0].length;
  }
  if (open.length > 0) throw new Error(`<${open.at(-1)}> is never ended`);
  return elements;
}
