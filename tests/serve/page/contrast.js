() => {
  const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
  const linear = (part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const luminance = (colour) => {
    const [red, green, blue] = numbers(colour).map((part) => linear(part / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (numbers(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const hasText = (node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.nodeValue.trim());
  const poor = new Set();
  for (const node of document.querySelectorAll("body *:not(script, noscript)")) {
    if (!hasText(node) || !node.checkVisibility()) continue;
    const pair = [getComputedStyle(node).color, ground(node)].map(luminance).sort((one, other) => other - one);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < 4.5) poor.add(`${node.nodeName} ${node.className}: ${ratio.toFixed(2)}`);
  }
  return [...poor];
}
