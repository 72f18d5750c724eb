import { html, type Markup } from "./markup.ts";

/** Something wide that scrolls by itself where the page is narrow: by touch, by wheel, and, as it takes the focus, by keyboard. */
export function scrolling(name: string, content: Markup): Markup {
  return html`<div class="scroll" role="group" aria-label="${name}" tabindex="0">${content}</div>`;
}
