/** Of the reference page. */
export const STYLE = `
:root { color-scheme: light dark; --line: #8886; --soft: #8881 }
html { background: light-dark(#fff, #14171a); color: light-dark(#16191d, #e6e8ea) }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem }
h1 small { font-weight: normal; font-size: 1rem }
h2 { font-size: 1.15rem; overflow-wrap: anywhere; border-top: 1px solid var(--line); padding-top: 1.5rem; margin-top: 2rem }
h3 { font-size: 1rem; margin-bottom: 0 }
nav ul { list-style: none; padding: 0; columns: 20rem }
nav a, h2 { font-family: ui-monospace, monospace }
nav a { font-size: .9rem; overflow-wrap: anywhere }
a { color: light-dark(#0b4fad, #8ab8ff) }
code, pre { font-family: ui-monospace, monospace; font-size: .875em; overflow-wrap: anywhere }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: .25rem; padding: .75rem; white-space: pre-wrap }
pre code { font-size: .8125rem }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 }
caption { text-align: left; font-weight: bold }
th, td { text-align: left; vertical-align: top; font-weight: normal; border-top: 1px solid var(--line); padding: .25rem .75rem .25rem 0; overflow-wrap: break-word }
th { width: 28% }
`
