// Preloaded into the relay's process (NODE_OPTIONS=--require): copies every byte that its sockets carry, before TLS and after it, to a file.
const { appendFileSync } = require('node:fs')
const { Server, Socket } = require('node:net')

const file = process.env.CLOISTER_TAP
if (file !== undefined) {
  const note = (chunk) => {
    if (typeof chunk === 'string') appendFileSync(file, chunk)
    else if (chunk instanceof Uint8Array) appendFileSync(file, chunk)
  }
  const { write, push, _writev } = Socket.prototype
  Socket.prototype.write = function (chunk, ...rest) {
    note(chunk)
    return write.call(this, chunk, ...rest)
  }
  Socket.prototype.push = function (chunk, ...rest) {
    note(chunk)
    return push.call(this, chunk, ...rest)
  }
  // Node's HTTP server reads plain sockets beneath JavaScript, until somebody listens.
  const { emit } = Server.prototype
  Server.prototype.emit = function (event, ...args) {
    const result = emit.call(this, event, ...args)
    if (event === 'connection') args[0].on('data', note)
    return result
  }
  if (_writev) {
    Socket.prototype._writev = function (chunks, done) {
      for (const { chunk } of chunks) note(chunk)
      return _writev.call(this, chunks, done)
    }
  }
}
