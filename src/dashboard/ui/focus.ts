/**
 * Keeps the focus where it is when live updates move what has it. Browsers without `moveBefore` drop it from a node that changes its
 * place.
 */
export function keepFocus(root: HTMLElement): void {
  let held: HTMLElement | undefined
  document.addEventListener('focusin', ({ target }) => {
    held = target instanceof HTMLElement ? target : undefined
  })
  document.addEventListener('pointerdown', ({ target }) => {
    if (held !== undefined && !held.contains(target as Node)) held = undefined
  })
  new MutationObserver(() => {
    if (held?.isConnected && document.activeElement === document.body) held.focus({ preventScroll: true })
  }).observe(root, { childList: true, subtree: true })
}
