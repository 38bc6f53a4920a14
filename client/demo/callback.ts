/** Where the login's window comes back to: tells the page, and closes. */
import { CALLBACK_CHANNEL } from './channel.ts'

const query = location.search
// Out of the address bar and the history before anything else.
history.replaceState(null, '', location.pathname)
const channel = new BroadcastChannel(CALLBACK_CHANNEL)
// A BroadcastChannel reaches this origin alone, and takes no name of one.
// oxlint-disable-next-line unicorn/require-post-message-target-origin
channel.postMessage(query)
channel.close()
window.close()
