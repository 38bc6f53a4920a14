/** The pad's looks; an app changes them by the custom properties. Constructed, so that a policy without `unsafe-inline` lets it be. */
export const PIN_PAD_STYLE = `
:host {
  display: block;
  max-width: 20rem;
  margin-inline: auto;
  color: var(--pin-pad-text, light-dark(#16202e, #eef2f8));
  font: inherit;
}
:host([hidden]) { display: none }
.pad { outline: none; border-radius: 1rem }
.pad:focus-visible .dots { box-shadow: 0 0 0 3px var(--pin-pad-focus, light-dark(#2f5bd7, #9db8ff)) }
.dots {
  display: flex; flex-wrap: wrap; gap: 0.75rem; align-items: center; justify-content: center;
  min-height: 3rem; padding: 0.5rem 1rem; border-radius: 0.75rem; box-sizing: border-box;
  background: var(--pin-pad-field, light-dark(#eef1f6, #0d131c));
}
.dot { width: 0.75rem; height: 0.75rem; border-radius: 50%; border: 2px solid currentColor; box-sizing: border-box; opacity: 0.35 }
.dot.filled { background: currentColor; opacity: 1 }
.notice { min-height: 1.5rem; margin: 0.5rem 0; text-align: center; font-size: 0.9375rem; font-variant-numeric: tabular-nums; color: var(--pin-pad-notice, light-dark(#9a3412, #fdba74)) }
.keys { display: grid; grid-template-columns: repeat(3, 1fr); gap: 0.5rem }
button {
  font: inherit; font-size: 1.375rem; min-height: 3.5rem; min-width: 3rem; padding: 0; cursor: pointer;
  color: inherit; border: 1px solid transparent; border-radius: 0.75rem; touch-action: manipulation; user-select: none; -webkit-user-select: none;
  background: var(--pin-pad-key, light-dark(#f6f8fb, #202a38));
  border-color: var(--pin-pad-border, light-dark(#d5dce6, #35425a));
}
/* On a touch screen the last key touched would keep its mark, and tell. */
@media (hover: hover) { button:hover:not(:disabled) { border-color: currentColor } }
button:focus-visible { outline: 3px solid var(--pin-pad-focus, light-dark(#2f5bd7, #9db8ff)); outline-offset: 2px }
button:disabled { cursor: not-allowed; opacity: 0.45 }
button.action { font-size: 1rem; font-weight: 600 }
button.submit:not(:disabled) { background: var(--pin-pad-accent, light-dark(#2349b8, #9db8ff)); color: var(--pin-pad-on-accent, light-dark(#fff, #0b1320)) }
.hidden { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
@media (prefers-reduced-motion: no-preference) { button { transition: border-color 0.12s, transform 0.06s } button:active:not(:disabled) { transform: scale(0.97) } }
`
