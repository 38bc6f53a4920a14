/** Where AWS's DynamoDB Local is: these tests are run by `.ci/dynamodb.sh`. */
import { engineUrl } from '../support/local.ts'

if (engineUrl === undefined) throw new Error('CLOISTER_DYNAMODB_ENGINE is not set: these tests are run by .ci/dynamodb.sh')
export const ENGINE = engineUrl
