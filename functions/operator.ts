import { runOperatorCommand } from '../lib/operator/run.ts'
import { theRelay } from '../lib/relay/relay.ts'

/** No route leads here: invoked by whom IAM lets (resources/operator.yml). */
export const handler = (event: unknown): Promise<object> => runOperatorCommand(() => theRelay().settings.enclaves, event)
