/** The budget of the trusted base: what a change must raise on purpose, in the same commit. */
import { array, attempt, integer, object, text } from '../../lib/protocol/fields.ts'
import { sum, type TrustedBase } from './trusted-base.ts'

export interface Budget {
  /** Lines of our own source files, at most. */
  readonly ownLines: number
  /** Lines of the packages' source files that the bundle is made of, at most. */
  readonly packageLines: number
  readonly bundleBytes: number
  /** Packages that our own code imports: these and no others. */
  readonly direct: readonly string[]
  /** Packages that those bring along: these and no others. */
  readonly transitive: readonly string[]
}

/** @throws Error for anything but a budget: a misspelt limit would be none */
export function parseBudget(json: string): Budget {
  const budget = attempt(() => {
    const fields = object(JSON.parse(json), ['ownLines', 'packageLines', 'bundleBytes', 'direct', 'transitive'])
    const limit = (name: string): number => integer(fields[name], 0, Number.MAX_SAFE_INTEGER)
    const names = (name: string): readonly string[] => array(fields[name], 1000, (item) => text(item, /^[a-z0-9@/._-]+$/))
    return { ownLines: limit('ownLines'), packageLines: limit('packageLines'), bundleBytes: limit('bundleBytes'), direct: names('direct'), transitive: names('transitive') }
  })
  if (budget === undefined) throw new Error('The budget is malformed')
  return budget
}

/** In what the trusted base differs from its budget, a line each; none: it keeps to it. A package that is gone must go from the list as well. */
export function checkBudget(base: TrustedBase, budget: Budget): readonly string[] {
  const limits: readonly (readonly [keyof Budget, number, number])[] = [
    ['ownLines', sum(base.rooms).lines, budget.ownLines],
    ['packageLines', sum(base.packages).lines, budget.packageLines],
    ['bundleBytes', base.bundleBytes, budget.bundleBytes],
  ]
  const namesOf = (direct: boolean): readonly string[] => base.packages.filter((one) => one.direct === direct).map(({ name }) => name)
  return [
    ...limits.filter(([, actual, limit]) => actual > limit).map(([name, actual, limit]) => `${name}: ${actual}, and the budget is ${limit}`),
    ...differences('direct', namesOf(true), budget.direct),
    ...differences('transitive', namesOf(false), budget.transitive),
  ]
}

function differences(list: string, actual: readonly string[], allowed: readonly string[]): readonly string[] {
  return [
    ...actual.filter((name) => !allowed.includes(name)).map((name) => `${list}: ${name} is in the bundle, and not in the budget`),
    ...allowed.filter((name) => !actual.includes(name)).map((name) => `${list}: ${name} is in the budget, and not in the bundle`),
  ]
}
