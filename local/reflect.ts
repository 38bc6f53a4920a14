// tsyringe, which @peculiar/x509 builds on, refuses to load without reflect-metadata. It asks for metadata only where classes have
// constructor parameters to inject, and those of x509 have none: answering "there is none" is all it needs.
const reflect = Reflect as { getMetadata?: unknown; getOwnMetadata?: unknown; defineMetadata?: unknown }

reflect.getMetadata ??= () => undefined
reflect.getOwnMetadata ??= () => undefined
reflect.defineMetadata ??= () => undefined
