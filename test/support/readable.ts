/** Looks for text in a page that is hard to read, and for controls that are hard to hit. It runs in the browser. */

/** An expression that gives the texts whose contrast with what is behind them is below WCAG's 4.5 (or 3 if they are large). */
export const FAINT_TEXTS = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  // The canvas understands every colour that the style sheets may have: color-mix, light-dark, color(srgb …).
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = ([r, g, b, a], under) => [r, g, b].map((part, index) => part * a + under[index] * (1 - a));
  const behind = (node) => {
    if (node === null) return rgba('Canvas').slice(0, 3);
    const colour = rgba(getComputedStyle(node).backgroundColor);
    return colour[3] === 1 ? colour.slice(0, 3) : over(colour, behind(node.parentElement));
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const node = walker.currentNode.parentElement;
    if (text === '' || !node.checkVisibility() || node.closest('button:disabled')) continue;
    const style = getComputedStyle(node);
    const back = behind(node);
    const front = over(rgba(node.closest('svg') ? style.fill : style.color), back);
    const [light, dark] = [luminance(front), luminance(back)].sort((a, b) => b - a);
    const contrast = (light + 0.05) / (dark + 0.05);
    const isLarge = Number.parseFloat(style.fontSize) >= 24;
    if (contrast < (isLarge ? 3 : 4.5)) faint.push(text.slice(0, 40) + ': ' + contrast.toFixed(2));
  }
  return faint;
})()`;

/** An expression that gives the buttons, inputs and links that are smaller than WCAG's 24 pixels and not within a sentence. */
export const SMALL_TARGETS = `(() => {
  const controls = [...document.querySelectorAll('button, input, summary, .button, nav a')];
  return controls.filter((node) => {
    const { width, height } = (node.closest('label') ?? node).getBoundingClientRect();
    return node.checkVisibility() && (width < 24 || height < 24);
  }).map((node) => node.outerHTML.slice(0, 80));
})()`;
