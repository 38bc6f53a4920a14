/** The release, as package.json has it (a test compares them): the image holds no package.json. */
export const VERSION = '0.1.0'
