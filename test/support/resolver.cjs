// jest resolves as CommonJS; packages that export only an `import` condition are resolved by that one.
module.exports = (request, options) => {
  try {
    return options.defaultResolver(request, options)
  } catch (error) {
    try {
      return options.defaultResolver(request, { ...options, conditions: ['node', 'import', 'default'] })
    } catch {
      throw error
    }
  }
}
