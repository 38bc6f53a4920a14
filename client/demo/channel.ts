/** Between the page and the window that it opens to log in. */
export const CALLBACK_CHANNEL = 'cloister-login'
